import type { Queryable } from "@teranga/kit/postgres/database.ts";
import type { StockRow } from "../model.ts";

/** The columns of a StockRow. */
export function stockColumns(sql: Queryable) {
  return sql`product_id as "productId", warehouse, on_hand as "onHand", reserved, available, updated_at as "updatedAt"`;
}

/** The levels of these products that the city has or had, in no order. */
export function getStock(sql: Queryable, productIds: readonly string[]): Promise<StockRow[]> {
  return sql<
    StockRow[]
  >`select ${stockColumns(sql)} from stock where product_id = any (${productIds as string[]}::text[])`;
}
