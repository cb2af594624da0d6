import { COUNT_LIMIT } from "@teranga/kit/graphql/connection.ts";
import { planForValues, type Queryable } from "@teranga/kit/postgres/database.ts";
import type { ProductFilter } from "../input.ts";
import { productCondition } from "./product-filter.ts";

/** How many products match the filter, COUNT_LIMIT at most. */
export async function countProducts(sql: Queryable, filter: ProductFilter): Promise<number> {
  const [row] = await planForValues(
    sql<{ count: number }[]>`
    select count(*)::int as count from (
      select from product where ${productCondition(sql, filter)} limit ${COUNT_LIMIT}
    ) counted`,
    filter,
  );
  return row!.count;
}
