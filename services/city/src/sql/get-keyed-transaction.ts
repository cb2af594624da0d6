import type { Queryable } from "@teranga/kit/database.ts";

export interface KeyedOrderRow {
  orderId: string;
  requestHash: string;
}

/** The order that a client's idempotency key stands for, or null if the key is unused. */
export async function getKeyedOrder(
  sql: Queryable,
  clientId: string,
  key: string,
): Promise<KeyedOrderRow | null> {
  const [row] = await sql<KeyedOrderRow[]>`
    select transaction_id as "orderId", request_hash as "requestHash" from transaction_decision
    where client_id = ${clientId} and idempotency_key = ${key} and state = 'COMMITTED'`;
  return row ?? null;
}
