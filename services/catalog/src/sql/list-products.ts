import type { Page } from "@teranga/kit/graphql/connection.ts";
import { planForValues, type Queryable } from "@teranga/kit/postgres/database.ts";
import { keyset, type Ordering } from "@teranga/kit/postgres/keyset.ts";
import type { ProductFilter } from "../input.ts";
import type { Product } from "../product.ts";
import { productColumns } from "./product-columns.ts";
import { productCondition } from "./product-filter.ts";

/** A product with its position in the list. */
export interface ListedProduct {
  product: Product;
  /** The value of the ordering's column; a time is an ISO 8601 text. */
  sortKey: string | number;
}

/** One page of products and, if more follow, one product beyond it. */
export async function listProducts(
  sql: Queryable,
  filter: ProductFilter,
  ordering: Ordering,
  page: Page,
): Promise<ListedProduct[]> {
  const { after, orderBy, limit } = keyset(sql, ordering, page);
  const rows = await planForValues(
    sql<(Product & { sortKey: string | number | Date })[]>`
    select ${productColumns(sql)}, ${sql(ordering.column)} as "sortKey"
    from product
    where ${productCondition(sql, filter)} and ${after}
    order by ${orderBy}
    limit ${limit}`,
    filter,
  );
  return rows.map(({ sortKey, ...product }) => ({
    product,
    sortKey: sortKey instanceof Date ? sortKey.toISOString() : sortKey,
  }));
}
