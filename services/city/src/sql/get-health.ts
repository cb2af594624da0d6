import type { Queryable } from "@teranga/kit/postgres/database.ts";

export interface HealthRow {
  inDoubt: number;
  oldestInDoubtAt: Date | null;
  unacknowledged: number;
  oldestUnacknowledgedAt: Date | null;
}

/** What is still to be finished. Partial indexes, which hold only waiting rows, serve the query. */
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
