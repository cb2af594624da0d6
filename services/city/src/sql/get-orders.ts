import type { Queryable } from "@teranga/kit/postgres/database.ts";
import type { OrderAllocationRow, OrderLineRow, OrderRow } from "../model.ts";

/** The columns of an OrderRow. */
export function orderColumns(sql: Queryable) {
  return sql`
    id, client_id as "clientId", status, total, placed_at as "placedAt", cancelled_by as "cancelledBy", cancelled_at as "cancelledAt"`;
}

/** The orders of these ids that exist, in no order. */
export function getOrders(sql: Queryable, ids: readonly string[]): Promise<OrderRow[]> {
  return sql<OrderRow[]>`select ${orderColumns(sql)} from orders where id = any (${ids as string[]}::text[])`;
}

/** The orders that these transactions have placed or cancelled, in no order. */
export function getOrdersOfTransactions(
  sql: Queryable,
  transactionIds: readonly string[],
): Promise<(OrderRow & { transactionId: string })[]> {
  const ids = transactionIds as string[];
  return sql<(OrderRow & { transactionId: string })[]>`
    select id as "transactionId", ${orderColumns(sql)} from orders where id = any (${ids}::text[])
    union all
    select cancelled_by, ${orderColumns(sql)} from orders where cancelled_by = any (${ids}::text[])`;
}

/** The lines of these orders, by product. */
export function getOrderLines(sql: Queryable, orderIds: readonly string[]): Promise<OrderLineRow[]> {
  return sql<OrderLineRow[]>`
    select order_id as "orderId", product_id as "productId", quantity, unit_price as "unitPrice"
    from order_line where order_id = any (${orderIds as string[]}::text[]) order by order_id, product_id`;
}

/** The allocations of these orders, by product and city. */
export function getOrderAllocations(
  sql: Queryable,
  orderIds: readonly string[],
): Promise<OrderAllocationRow[]> {
  return sql<OrderAllocationRow[]>`
    select order_id as "orderId", city_id as "cityId", product_id as "productId", quantity
    from order_allocation where order_id = any (${orderIds as string[]}::text[]) order by order_id, product_id, city_id`;
}
