import { COUNT_LIMIT, type Page } from "@teranga/kit/graphql/connection.ts";
import type { Queryable } from "@teranga/kit/postgres/database.ts";
import type { StockMovementRow } from "../model.ts";

/**
 * The movements of several products, newest first: for each product the page's
 * rows, and one more if there is one.
 */
export function listMovements(
  sql: Queryable,
  productIds: readonly string[],
  page: Page,
): Promise<StockMovementRow[]> {
  const after = page.after ? sql`id < ${page.after.key}` : sql`true`;
  return sql<StockMovementRow[]>`
    select movement.* from unnest(${productIds as string[]}::text[]) as asked (product_id)
    cross join lateral (
      select id::text, product_id as "productId", reason, on_hand_change as "onHandChange",
             reserved_change as "reservedChange", transaction_id as "transactionId", at
      from stock_movement where product_id = asked.product_id and ${after}
      order by stock_movement.id desc limit ${page.first + 1}
    ) movement`;
}

/** How many movements each product has, COUNT_LIMIT at most. */
export function countMovements(
  sql: Queryable,
  productIds: readonly string[],
): Promise<{ id: string; count: number }[]> {
  return sql<{ id: string; count: number }[]>`
    select asked.id, count from unnest(${productIds as string[]}::text[]) as asked (id)
    cross join lateral (
      select count(*)::int as count from (
        select from stock_movement where product_id = asked.id limit ${COUNT_LIMIT}
      ) counted
    ) counts`;
}
