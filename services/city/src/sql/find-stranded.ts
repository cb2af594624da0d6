import type { Queryable } from "@teranga/kit/postgres/database.ts";

/** Transactions that wait for a city that the topology does not have. */
export interface StrandedRow {
  cityId: string;
  count: number;
  since: Date;
}

/** A note is for people. More cities than these cannot disappear unnoticed. */
const CITIES_MAX = 20;

/**
 * Transactions that cannot be finished because the topology no longer has the other city: decisions
 * that it has not acknowledged, and outcomes that only it can tell. Partial indexes, which hold only
 * waiting rows, serve the query.
 * @param known the cities of the topology
 */
export function findStranded(sql: Queryable, known: readonly string[]): Promise<StrandedRow[]> {
  return sql<StrandedRow[]>`
    select city_id as "cityId", count(*)::int as count, min(since) as since from (
      select city_id, decided_at as since from decision_participant join transaction_decision using (transaction_id)
        where acknowledged_at is null
      union all
      select home, created_at from participation where state = 'PREPARED'
    ) waiting where city_id <> all (${known as string[]}::text[])
    group by city_id order by since limit ${CITIES_MAX}`;
}
