import type { Queryable } from "@teranga/kit/postgres/database.ts";
import type { DuePayment } from "./claim-payments.ts";

/** Of the payments of these transactions, those that are to be voided. They stay due for recovery. */
export async function getRefusedPayments(
  sql: Queryable,
  transactionIds: readonly string[],
): Promise<DuePayment[]> {
  return sql<DuePayment[]>`
    select transaction_id as "transactionId", method, state from payment
    where transaction_id = any (${transactionIds as string[]}::text[]) and state = 'VOIDING'`;
}
