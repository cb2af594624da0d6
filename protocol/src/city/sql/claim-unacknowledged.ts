import type { Sql } from "@teranga/kit/postgres/database.ts";
import type { ProductQuantity, TransactionKind } from "../../messages.ts";
import type { CityClock } from "../city-clock.ts";
import { RECOVERY_BATCH, RETRY_BASE, RETRY_MAX } from "./recovery-limits.ts";

export interface Unacknowledged {
  transactionId: string;
  kind: TransactionKind;
  cityId: string;
  lines: readonly ProductQuantity[];
}

/**
 * Claims participants that are due to be told of a commit, the oldest first, by moving their next attempt.
 */
export function claimUnacknowledged(sql: Sql, clock: CityClock): Promise<Unacknowledged[]> {
  return sql<Unacknowledged[]>`
    with due as (
      select transaction_id, city_id from decision_participant
      where acknowledged_at is null and next_attempt_at <= ${clock.now(sql)}
      order by next_attempt_at limit ${RECOVERY_BATCH} for update skip locked
    )
    update decision_participant p set
      attempts = attempts + 1,
      next_attempt_at = ${clock.now(sql)} + least(${RETRY_BASE}::interval * 2 ^ least(attempts, 10), ${RETRY_MAX}::interval)
    from due join transaction_decision d using (transaction_id)
    where p.transaction_id = due.transaction_id and p.city_id = due.city_id
    returning p.transaction_id as "transactionId", d.kind, p.city_id as "cityId", p.lines`;
}
