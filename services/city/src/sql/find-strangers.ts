import type { Queryable } from "@teranga/kit/postgres/database.ts";
import type { FragmentRule } from "../fragment-rule.ts";

/** The most towns that are returned. */
const TOWNS_MAX = 100;

/** The towns of clients that break a fragment's rule, those with the most clients first. */
export function findStrangers(
  sql: Queryable,
  { isDefault, ownTowns, otherTowns }: FragmentRule,
): Promise<{ town: string; clients: number }[]> {
  const isOut = isDefault
    ? sql`town_key = any (${otherTowns}::text[])`
    : sql`town_key <> all (${ownTowns}::text[])`;
  return sql<{ town: string; clients: number }[]>`
    select min(town) as town, count(*)::int as clients from client where ${isOut}
    group by town_key order by clients desc, town limit ${TOWNS_MAX}`;
}
