import type { Sql } from "@teranga/kit/postgres/database.ts";

/**
 * Rows of one statement. They take 0.3 s on a busy machine. The locks that are held meanwhile hold up no
 * message of a newer transaction.
 */
export const PRUNE_BATCH = 1_000;

/**
 * Deletes decisions that are ABORTED and behind the horizon, the oldest first, with their
 * payments. A decision stays until its payment is settled. Returns how many were deleted.
 * Instances that run at once take different rows.
 */
export async function pruneDecisions(sql: Sql): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    with old as (
      select transaction_id from transaction_decision d
      where state = 'ABORTED' and split_part(transaction_id, ':', 2) < (select bound from horizon)
        and not exists (select from payment p where p.transaction_id = d.transaction_id and p.next_attempt_at is not null)
      order by split_part(transaction_id, ':', 2) limit ${PRUNE_BATCH} for update skip locked
    ), unpaid as (
      delete from payment where transaction_id = any (array(select transaction_id from old))
    ), pruned as (
      delete from transaction_decision where transaction_id = any (array(select transaction_id from old)) returning 1
    )
    select count(*)::int as count from pruned`;
  return row!.count;
}

/**
 * Deletes participations that are ABORTED and behind the horizon, the oldest first, with their reservations.
 * Returns how many were deleted.
 */
export async function pruneParticipations(sql: Sql): Promise<number> {
  const [row] = await sql<{ count: number }[]>`
    with old as (
      select transaction_id from participation
      where state = 'ABORTED' and split_part(transaction_id, ':', 2) < (select bound from horizon)
      order by split_part(transaction_id, ':', 2) limit ${PRUNE_BATCH} for update skip locked
    ), released as (
      delete from reservation where transaction_id = any (array(select transaction_id from old))
    ), pruned as (
      delete from participation where transaction_id = any (array(select transaction_id from old)) returning 1
    )
    select count(*)::int as count from pruned`;
  return row!.count;
}
