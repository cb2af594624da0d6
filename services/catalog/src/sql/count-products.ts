import type { Queryable } from "@teranga/kit/database.ts";
import type { ProductFilter } from "../input.ts";
import { productCondition } from "./product-filter.ts";

/** How many products the filter lets through. */
export async function countProducts(sql: Queryable, filter: ProductFilter): Promise<number> {
  const [row] = await sql<
    { count: number }[]
  >`select count(*) from product where ${productCondition(sql, filter)}`;
  return row!.count;
}
