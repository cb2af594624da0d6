/**
 * Lets the oldest operations leave the log of this node (5-compaction.sql): those that every node has, and
 * that nothing to come can be merged with. It walks through the log in bounded steps, and holds no lock for
 * longer than one row takes.
 */
import type { Sql } from "@teranga/kit/postgres/database.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import { withinMs } from "@teranga/kit/process/timer.ts";
import { startWorker, type Worker } from "@teranga/kit/process/worker.ts";
import type { NodeManager } from "./node-manager.ts";
import { reportNode } from "./report.ts";

/** So many operations of a row always stay; they are what its history shows. */
export const KEPT = 50;

interface CompactionOptions {
  /** Its database: another server may have become the primary. */
  primary: () => Sql;
  /** Undefined if the catalog has one database. */
  nodes: NodeManager | undefined;
  log: Logger;
  kept?: number;
  intervalMs?: number;
}

interface Row {
  entity: string;
  id: string;
}

interface Other {
  name: string;
  sql: Sql;
}

const STEP_EVERY_MS = 1_000;
const ANSWER_LIMIT_MS = 2_000;
const BEFORE_ALL = { node: "", sequence: 0 };

export function startCompaction({
  primary,
  nodes,
  log,
  kept = KEPT,
  intervalMs = STEP_EVERY_MS,
}: CompactionOptions): Worker {
  let after = BEFORE_ALL;
  const step = async () => {
    const others = nodes ? othersOf(nodes) : [];
    if (!others) return false;
    const sql = primary();
    const found = await findLongLogs(sql, after, 2 * kept);
    after = found.last;
    if (found.rows.length > 0) await compact(sql, others, found.rows, kept);
    return false;
  };
  return startWorker({ name: "compaction", intervalMs, log, step });
}

/** Undefined while a node is away, cut off or about to copy: nobody knows what it will write. */
function othersOf(nodes: NodeManager): Other[] | undefined {
  const { state } = nodes;
  if (!state || state.fault !== undefined || state.own.phase !== "JOINED") return undefined;
  const others = nodes.names.flatMap((name) => {
    if (name === nodes.node) return [];
    const sql = state.links.get(name)?.kind === "streaming" ? nodes.databaseOf(name)?.sql : undefined;
    return [sql && { name, sql }];
  });
  return others.includes(undefined) ? undefined : (others as Other[]);
}

/** A row is compacted once it has `most` operations and more, so that there is something to gain. */
async function findLongLogs(sql: Sql, after: typeof BEFORE_ALL, most: number) {
  const [found] = await sql<{ rows: Row[]; node: string | null; sequence: number | null }[]>`
    select rows, last_node as node, last_sequence as sequence
    from long_logs(${after.node}, ${after.sequence}, ${most})`;
  const { rows, node, sequence } = found!;
  return { rows, last: node === null || sequence === null ? BEFORE_ALL : { node, sequence } };
}

/** @returns how many operations have left the log */
export async function compact(
  sql: Sql,
  others: readonly Other[],
  rows: readonly Row[],
  kept: number,
): Promise<number> {
  const vectors = await Promise.all(others.map((other) => vectorsOf(other, rows)));
  if (vectors.includes(undefined)) return 0;
  let gone = 0;
  for (const [index, { entity, id }] of rows.entries()) {
    const theirs = JSON.stringify(vectors.map((its) => its![index]));
    const [row] = await sql<{ gone: number }[]>`
      select compact_row(${entity}, ${id}, array(select jsonb_array_elements(${theirs}::text::jsonb)), ${kept})
        as gone`;
    gone += row!.gone;
  }
  return gone;
}

/**
 * What another node has of rows; undefined if that is not known. A crash of its server must not take that
 * back, and what replication applies is not flushed at once: the commit of a report flushes what was before.
 */
async function vectorsOf({ name, sql }: Other, rows: readonly Row[]): Promise<unknown[] | undefined> {
  const asked = async () => {
    const [row] = await sql<{ vectors: unknown[] | null }[]>`
      select to_jsonb(vectors_of(${name}, ${JSON.stringify(rows)}::text::jsonb)) as vectors`;
    if (row!.vectors !== null) await reportNode(sql, name);
    return row!.vectors ?? undefined;
  };
  return withinMs(ANSWER_LIMIT_MS, asked()).catch(() => undefined);
}
