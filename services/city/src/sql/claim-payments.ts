import type { Sql } from "@teranga/kit/postgres/database.ts";
import type { CityClock } from "@teranga/protocol/city/city-clock.ts";
import { RECOVERY_BATCH, RETRY_BASE, RETRY_MAX } from "@teranga/protocol/city/sql/recovery-limits.ts";

export interface DuePayment {
  transactionId: string;
  method: string;
  state: "AUTHORISING" | "AUTHORISED" | "VOIDING" | "REFUNDING";
}

/** One payment method, or all methods except these. */
export type Methods = string | { noneOf: readonly string[] };

/**
 * Claims payments whose provider is due to be told, the longest waiting first, by moving their next attempt.
 */
export async function claimPayments(sql: Sql, methods: Methods, clock: CityClock): Promise<DuePayment[]> {
  const isOfThem =
    typeof methods === "string"
      ? sql`method = ${methods}`
      : sql`method <> all (${methods.noneOf as string[]}::text[])`;
  return sql<DuePayment[]>`
    with due as (
      select transaction_id from payment
      where ${isOfThem} and next_attempt_at <= ${clock.now(sql)}
      order by next_attempt_at limit ${RECOVERY_BATCH} for update skip locked
    )
    update payment p set
      attempts = attempts + 1,
      next_attempt_at = ${clock.now(sql)} + least(${RETRY_BASE}::interval * 2 ^ least(attempts, 10), ${RETRY_MAX}::interval)
    from due where p.transaction_id = due.transaction_id
    returning p.transaction_id as "transactionId", p.method, p.state`;
}
