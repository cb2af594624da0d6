import { COUNT_LIMIT, type Page } from "@teranga/kit/graphql/connection.ts";
import { planForValues, type Queryable } from "@teranga/kit/postgres/database.ts";
import { keyset, type Ordering } from "@teranga/kit/postgres/keyset.ts";
import type { StockRow } from "../model.ts";
import { stockColumns } from "./get-stock.ts";

export interface StockFilter {
  productIds?: string[] | undefined;
  availableMin?: number | undefined;
  availableMax?: number | undefined;
}

export const STOCK_ORDERINGS = {
  PRODUCT_ASC: { column: "product_id", idColumn: "product_id", direction: "asc" },
  AVAILABLE_ASC: { column: "available", idColumn: "product_id", direction: "asc" },
  AVAILABLE_DESC: { column: "available", idColumn: "product_id", direction: "desc" },
} as const satisfies Record<string, Ordering>;

/** One page of stock levels, and one row more if there is one. */
export function listStock(
  sql: Queryable,
  filter: StockFilter,
  ordering: Ordering,
  page: Page,
): Promise<StockRow[]> {
  const { after, orderBy, limit } = keyset(sql, ordering, page);
  return planForValues(
    sql<StockRow[]>`
    select ${stockColumns(sql)} from stock where ${matching(sql, filter)} and ${after} order by ${orderBy} limit ${limit}`,
    filter,
  );
}

/** How many stock levels match the filter, COUNT_LIMIT at most. */
export async function countStock(sql: Queryable, filter: StockFilter): Promise<number> {
  const [row] = await planForValues(
    sql<{ count: number }[]>`
    select count(*)::int as count from (select from stock where ${matching(sql, filter)} limit ${COUNT_LIMIT}) counted`,
    filter,
  );
  return row!.count;
}

function matching(sql: Queryable, { productIds, availableMin, availableMax }: StockFilter) {
  const byProduct = productIds === undefined ? sql`true` : sql`product_id = any (${productIds}::text[])`;
  const byMin = availableMin === undefined ? sql`true` : sql`available >= ${availableMin}`;
  const byMax = availableMax === undefined ? sql`true` : sql`available <= ${availableMax}`;
  return sql`${byProduct} and ${byMin} and ${byMax}`;
}
