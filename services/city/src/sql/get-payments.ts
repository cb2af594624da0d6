import type { Queryable } from "@teranga/kit/postgres/database.ts";
import type { PaymentRow } from "../model.ts";

/** The payments of these orders, in no order. */
export function getPayments(sql: Queryable, orderIds: readonly string[]): Promise<PaymentRow[]> {
  return sql<PaymentRow[]>`
    select transaction_id as "orderId", method, amount, state
    from payment where transaction_id = any (${orderIds as string[]}::text[])`;
}
