import type { Queryable } from "@teranga/kit/postgres/database.ts";
import type { TransactionKind } from "@teranga/protocol/messages.ts";

export interface KeyedTransactionRow {
  transactionId: string;
  requestHash: string;
}

/** The committed transaction of an idempotency key; null if the key is unused. Transfers have no client. */
export async function getKeyedTransaction(
  sql: Queryable,
  kind: TransactionKind,
  clientId: string | null,
  key: string,
): Promise<KeyedTransactionRow | null> {
  const [row] = await sql<KeyedTransactionRow[]>`
    select transaction_id as "transactionId", request_hash as "requestHash" from transaction_decision
    where kind = ${kind} and coalesce(client_id, '') = ${clientId ?? ""} and idempotency_key = ${key} and state = 'COMMITTED'`;
  return row ?? null;
}
