import type { Sql } from "@teranga/kit/postgres/database.ts";
import type { TransactionKind } from "../../messages.ts";
import type { CityClock } from "../city-clock.ts";
import { RECOVERY_BATCH, RETRY_BASE, RETRY_MAX } from "./recovery-limits.ts";

export interface InDoubt {
  transactionId: string;
  kind: TransactionKind;
  home: string;
}

/**
 * Claims prepared transactions whose deadline has passed, the longest waiting
 * first, by moving their next attempt.
 */
export function claimInDoubt(sql: Sql, clock: CityClock): Promise<InDoubt[]> {
  return sql<InDoubt[]>`
    with due as (
      select transaction_id from participation
      where state = 'PREPARED' and next_attempt_at <= ${clock.now(sql)}
      order by next_attempt_at limit ${RECOVERY_BATCH} for update skip locked
    )
    update participation p set
      attempts = attempts + 1,
      next_attempt_at = ${clock.now(sql)} + least(${RETRY_BASE}::interval * 2 ^ least(attempts, 10), ${RETRY_MAX}::interval)
    from due where p.transaction_id = due.transaction_id
    returning p.transaction_id as "transactionId", p.kind, p.home`;
}
