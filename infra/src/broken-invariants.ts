/**
 * Checks the invariants of the cities' databases. Each city's own rules are SQL
 * (protocol/functions/9-invariants.sql); this file compares the cities with one another.
 *
 * The checks hold at any time, also while transactions are under way. A decision is written before its
 * consequences, so the consequences are read first: what they follow from is then there.
 */
import type { Sql } from "@teranga/kit/postgres/database.ts";

/** By city id. */
export type CityDatabases = ReadonlyMap<string, Sql>;

/** How much is still to be finished. The cluster is at rest when all counts are zero. */
export interface Unfinished {
  /** Participations whose outcome is not known to the participant. */
  prepared: number;
  /** Participants that a home has yet to tell its decision. */
  unacknowledged: number;
  /** Payments that wait for their provider. */
  unsettled: number;
}

/** How many rows that break a city's rules are shown. One is enough to raise an alarm. */
const SHOWN_MAX = 100;

export async function countUnfinished(sql: Sql): Promise<Unfinished> {
  const [row] = await sql<Unfinished[]>`
    select (select count(*)::int from participation where state = 'PREPARED') as prepared,
           (select count(*)::int from decision_participant where acknowledged_at is null) as unacknowledged,
           (select count(*)::int from payment where next_attempt_at is not null) as unsettled`;
  return row!;
}

/** The broken invariants, a line each: the city, the rule, and what breaks it. */
export async function brokenInvariants(cities: CityDatabases): Promise<string[]> {
  const broken: string[] = [];
  for (const [city, sql] of cities) {
    const rows = await sql<{ rule: string; found: object }[]>`
      select rule, found from broken_invariants() limit ${SHOWN_MAX}`;
    broken.push(...rows.map(({ rule, found }) => `${city}: ${rule}: ${JSON.stringify(found)}`));
  }
  return [...broken, ...(await unlikeMovements(cities)), ...(await unlikeDecisions(cities))];
}

/** A participant has done what its homes decided once it has acknowledged it, and has done nothing else. */
async function unlikeMovements(cities: CityDatabases): Promise<string[]> {
  const acknowledged = await promisedLines(cities, true);
  const done = await doneLines(cities);
  const promised = await promisedLines(cities, false);
  return [
    ...without(acknowledged, await doneLines(cities)).map(
      (line) => `a participant has done what it has acknowledged: ${line}`,
    ),
    ...without(done, promised).map((line) => `what a participant has done its home has promised: ${line}`),
  ];
}

async function promisedLines(cities: CityDatabases, acknowledgedOnly: boolean): Promise<string[]> {
  const lines: string[] = [];
  for (const sql of cities.values()) {
    const rows = await sql<{ line: string }[]>`
      select concat_ws(' ', transaction_id, city_id, product_id, on_hand_change) as line
      from promised_to_others()
      where city_id = any (${[...cities.keys()]}) and (is_acknowledged or not ${acknowledgedOnly})`;
    for (const { line } of rows) lines.push(line);
  }
  return lines;
}

async function doneLines(cities: CityDatabases): Promise<string[]> {
  const lines: string[] = [];
  for (const sql of cities.values()) {
    const rows = await sql<{ line: string }[]>`
      select concat_ws(' ', transaction_id, city_id, product_id, on_hand_change) as line
      from done_for_others()
      where split_part(transaction_id, ':', 1) = any (${[...cities.keys()]})`;
    for (const { line } of rows) lines.push(line);
  }
  return lines;
}

/** The items that occur more often in `items` than in `others`, once for each surplus occurrence. */
function without(items: readonly string[], others: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const item of others) counts.set(item, (counts.get(item) ?? 0) + 1);
  return items.filter((item) => {
    const left = counts.get(item) ?? 0;
    counts.set(item, left - 1);
    return left <= 0;
  });
}

/** A participant has a transaction COMMITTED only if its home has, and ABORTED only if its home has not. */
async function unlikeDecisions(cities: CityDatabases): Promise<string[]> {
  const decided: [city: string, id: string, state: string][] = [];
  for (const [city, sql] of cities) {
    const rows = await sql<{ id: string; state: string }[]>`
      select transaction_id as id, state from participation
      where state <> 'PREPARED' and home = any (${[...cities.keys()]})`;
    for (const { id, state } of rows) decided.push([city, id, state]);
  }
  const committed = new Set<string>();
  for (const sql of cities.values()) {
    const rows = await sql<{ id: string }[]>`
      select transaction_id as id from transaction_decision where state = 'COMMITTED'`;
    for (const { id } of rows) committed.add(id);
  }
  return decided
    .filter(([, id, state]) => (state === "COMMITTED") !== committed.has(id))
    .map(([city, id, state]) => `a participant goes by its home's decision: ${city} has ${id} ${state}`);
}
