import type { Queryable } from "@teranga/kit/postgres/database.ts";

export interface HealthRow {
  inDoubt: number;
  oldestInDoubtAt: Date | null;
  unacknowledged: number;
  oldestUnacknowledgedAt: Date | null;
}

/** What waits to be finished. All of it is read by partial indexes that hold only what waits. */
export async function getHealth(sql: Queryable): Promise<HealthRow> {
  const [row] = await sql<HealthRow[]>`
    select
      (select count(*)::int from participation where state = 'PREPARED') as "inDoubt",
      (select min(created_at) from participation where state = 'PREPARED') as "oldestInDoubtAt",
      (select count(*)::int from decision_participant where acknowledged_at is null) as "unacknowledged",
      (select min(decided_at) from decision_participant join transaction_decision using (transaction_id)
        where acknowledged_at is null) as "oldestUnacknowledgedAt"`;
  return row!;
}
