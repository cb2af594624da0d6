import type { Queryable } from "@teranga/kit/postgres/database.ts";

export interface DeclinedPayment {
  /** True if the provider refused; false if it did not answer in time. */
  isRefused: boolean;
}

/** Of these declined transactions, those whose provider was asked. */
export async function getDeclinedPayments(
  sql: Queryable,
  transactionIds: readonly string[],
): Promise<Map<string, DeclinedPayment>> {
  if (transactionIds.length === 0) return new Map();
  const rows = await sql<{ transactionId: string; isRefused: boolean }[]>`
    select transaction_id as "transactionId", state = 'DECLINED' as "isRefused"
    from payment where transaction_id = any (${transactionIds as string[]}::text[])`;
  return new Map(rows.map(({ transactionId, isRefused }) => [transactionId, { isRefused }]));
}
