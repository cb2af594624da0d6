/**
 * Compares what all nodes have: a digest for each range of rows, then the rows of the ranges that differ.
 * Rows differ for good only if their nodes have the same operations of them, which their vectors tell.
 */

import type { Sql } from "@teranga/kit/postgres/database.ts";
import { withinMs } from "@teranga/kit/process/timer.ts";

export interface Divergence {
  agrees: boolean;
  agreement: number;
  missing: string[];
  rows: number;
  onTheirWay: number;
  differing: DivergentRow[];
}

export interface DivergentRow {
  entity: string;
  id: string;
  versions: { node: string; digest: string | null }[];
}

interface RangeDigest {
  range: string;
  rows: number;
  digest: string;
}

interface RowDigest {
  entity: string;
  id: string;
  seen: string;
  digest: string;
}

/** A digest of 100,000 rows takes half a second. */
const NODE_LIMIT_MS = 4_000;
const DIFFERING_MAX = 100;

/** @param databases of all nodes; undefined if a node cannot be asked */
export async function compareNodes(databases: ReadonlyMap<string, Sql | undefined>): Promise<Divergence> {
  const asked = await askAll(databases, rangesOf);
  const missing = [...databases.keys()].filter((name) => !asked.has(name));
  const rows = Math.max(0, ...Array.from(asked.values(), (ranges) => sum(ranges)));
  const outdated = differingRanges([...asked.values()]);
  const compared = new Map([...databases].filter(([name]) => asked.has(name)));
  const found = outdated.length === 0 ? new Map() : await askAll(compared, (sql) => rowsOf(sql, outdated));
  const { onTheirWay, differing } = compareRows(found);
  const agreement = rows === 0 ? 1 : Math.max(0, 1 - (onTheirWay + differing.length) / rows);
  return {
    agrees: missing.length === 0 && onTheirWay === 0 && differing.length === 0,
    agreement,
    missing,
    rows,
    onTheirWay,
    differing: differing.slice(0, DIFFERING_MAX),
  };
}

async function askAll<Answer>(
  databases: ReadonlyMap<string, Sql | undefined>,
  ask: (sql: Sql) => Promise<Answer>,
): Promise<Map<string, Answer>> {
  const answers = await Promise.all(
    Array.from(databases, async ([name, sql]) => {
      const answer = sql && (await withinMs(NODE_LIMIT_MS, ask(sql)).catch(() => undefined));
      return answer === undefined ? [] : [[name, answer] as const];
    }),
  );
  return new Map(answers.flat());
}

function rangesOf(sql: Sql): Promise<RangeDigest[]> {
  return sql<RangeDigest[]>`
    select range, count(*)::int as rows, md5(string_agg(digest || seen, '' order by entity, id)) as digest
    from row_digests() group by range`;
}

function rowsOf(sql: Sql, ranges: readonly string[]): Promise<RowDigest[]> {
  return sql<RowDigest[]>`
    select entity, id, seen, digest from row_digests() where range = any (${ranges as string[]})`;
}

const sum = (ranges: readonly RangeDigest[]) => ranges.reduce((total, { rows }) => total + rows, 0);

function differingRanges(answers: readonly RangeDigest[][]): string[] {
  const maps = answers.map((ranges) => new Map(ranges.map(({ range, digest }) => [range, digest])));
  const all = new Set(maps.flatMap((map) => [...map.keys()]));
  return [...all].filter((range) => new Set(maps.map((map) => map.get(range))).size > 1);
}

function compareRows(found: ReadonlyMap<string, readonly RowDigest[]>) {
  const rows = new Map<string, Map<string, RowDigest>>();
  for (const [node, its] of found)
    for (const row of its) {
      const key = `${row.entity} ${row.id}`;
      rows.set(key, (rows.get(key) ?? new Map()).set(node, row));
    }
  const names = [...found.keys()];
  const differing: DivergentRow[] = [];
  let onTheirWay = 0;
  for (const versions of rows.values()) {
    const distinct = (field: "seen" | "digest") =>
      new Set(names.map((name) => versions.get(name)?.[field])).size;
    if (distinct("seen") > 1) onTheirWay++;
    else if (distinct("digest") > 1) {
      const { entity, id } = [...versions.values()][0]!;
      const each = names.map((node) => ({ node, digest: versions.get(node)?.digest ?? null }));
      differing.push({ entity, id, versions: each });
    }
  }
  return { onTheirWay, differing };
}
