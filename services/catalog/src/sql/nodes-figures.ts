import type { Sql } from "@teranga/kit/postgres/database.ts";

/** The number of each node's newest operation here. The newest of a row never leave the log. */
export async function lastOperations(sql: Sql): Promise<[string, number][]> {
  const rows = await sql<{ node: string; last: number }[]>`
    select id as node, last from known_node
    cross join lateral (select max(sequence) as last from operation where node = known_node.id) as newest
    where last is not null`;
  return rows.map(({ node, last }) => [node, last]);
}

/** How many conflicts there are of each field, strategy and status. */
export async function countConflicts(sql: Sql): Promise<[string, number][]> {
  const rows = await sql<{ kind: string; count: number }[]>`
    select concat_ws(' ', entity || '.' || field, strategy, status) as kind, count(*)::int as count
    from conflict group by entity, field, strategy, status`;
  return rows.map(({ kind, count }) => [kind, count]);
}

/** The mean time from a conflict to a person's choice; null if nobody has chosen. */
export async function secondsToResolve(sql: Sql): Promise<number | null> {
  const [row] = await sql<{ mean: number | null }[]>`
    select extract(epoch from avg(greatest(resolved_at - opened_at, interval '0')))::float8 as mean
    from conflict where status = 'RESOLVED'`;
  return row!.mean;
}
