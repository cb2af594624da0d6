import { COUNT_LIMIT, type Page } from "@teranga/kit/graphql/connection.ts";
import { planForValues, type Queryable } from "@teranga/kit/postgres/database.ts";
import { keyset, type Ordering } from "@teranga/kit/postgres/keyset.ts";
import type { OrderRow } from "../model.ts";
import { orderColumns } from "./get-orders.ts";

export interface OrderFilter {
  status?: OrderRow["status"] | undefined;
  placedFrom?: Date | undefined;
  placedBefore?: Date | undefined;
  totalMin?: number | undefined;
}

export const ORDER_ORDERINGS = {
  PLACED_AT_ASC: { column: "placed_at", idColumn: "id", direction: "asc" },
  PLACED_AT_DESC: { column: "placed_at", idColumn: "id", direction: "desc" },
  TOTAL_ASC: { column: "total", idColumn: "id", direction: "asc" },
  TOTAL_DESC: { column: "total", idColumn: "id", direction: "desc" },
} as const satisfies Record<string, Ordering>;

/** One page of the city's orders, and one row more if there is one. */
export function listOrders(
  sql: Queryable,
  filter: OrderFilter,
  ordering: Ordering,
  page: Page,
): Promise<OrderRow[]> {
  const { after, orderBy, limit } = keyset(sql, ordering, page);
  return planForValues(
    sql<OrderRow[]>`
    select ${orderColumns(sql)} from orders where ${matching(sql, filter)} and ${after} order by ${orderBy} limit ${limit}`,
    filter,
  );
}

/** How many orders of the city match the filter, COUNT_LIMIT at most. */
export async function countOrders(sql: Queryable, filter: OrderFilter): Promise<number> {
  const [row] = await planForValues(
    sql<{ count: number }[]>`
    select count(*)::int as count from (select from orders where ${matching(sql, filter)} limit ${COUNT_LIMIT}) counted`,
    filter,
  );
  return row!.count;
}

/** The orders of several clients: for each client the page's rows, and one more if there is one. */
export function listOrdersOfClients(
  sql: Queryable,
  clientIds: readonly string[],
  filter: OrderFilter,
  ordering: Ordering,
  page: Page,
): Promise<OrderRow[]> {
  const { after, orderBy, limit } = keyset(sql, ordering, page);
  return sql<OrderRow[]>`
    select listed.* from unnest(${clientIds as string[]}::text[]) as asked (client_id)
    cross join lateral (
      select ${orderColumns(sql)} from orders
      where client_id = asked.client_id and ${matching(sql, filter)} and ${after} order by ${orderBy} limit ${limit}
    ) listed`;
}

/** How many orders of each client match the filter, COUNT_LIMIT at most. */
export function countOrdersOfClients(
  sql: Queryable,
  clientIds: readonly string[],
  filter: OrderFilter,
): Promise<{ id: string; count: number }[]> {
  return sql<{ id: string; count: number }[]>`
    select asked.id, count from unnest(${clientIds as string[]}::text[]) as asked (id)
    cross join lateral (
      select count(*)::int as count from (
        select from orders where client_id = asked.id and ${matching(sql, filter)} limit ${COUNT_LIMIT}
      ) counted
    ) counts`;
}

function matching(sql: Queryable, { status, placedFrom, placedBefore, totalMin }: OrderFilter) {
  // The state is written out, not bound: a partial index serves only a statement that names its state.
  const byStatus =
    status === undefined
      ? sql`true`
      : status === "CANCELLED"
        ? sql`status = 'CANCELLED'`
        : sql`status = 'PLACED'`;
  const byFrom = placedFrom === undefined ? sql`true` : sql`placed_at >= ${placedFrom}`;
  const byBefore = placedBefore === undefined ? sql`true` : sql`placed_at < ${placedBefore}`;
  const byTotal = totalMin === undefined ? sql`true` : sql`total >= ${totalMin}`;
  return sql`${byStatus} and ${byFrom} and ${byBefore} and ${byTotal}`;
}
