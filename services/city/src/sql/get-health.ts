import type { Queryable } from "@teranga/kit/database.ts";

export interface HealthRow {
  inDoubt: number;
  oldestInDoubtAt: Date | null;
  unacknowledged: number;
}

/** What waits to be finished. Both counts are of partial indexes that hold only what waits. */
export async function getHealth(sql: Queryable): Promise<HealthRow> {
  const [row] = await sql<HealthRow[]>`
    select
      (select count(*)::int from participation where state = 'PREPARED') as "inDoubt",
      (select min(created_at) from participation where state = 'PREPARED') as "oldestInDoubtAt",
      (select count(*)::int from decision_participant where acknowledged_at is null) as "unacknowledged"`;
  return row!;
}
