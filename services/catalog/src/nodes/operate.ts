/** What operators do with the nodes. */
import { setTimeout as delay } from "node:timers/promises";
import type { Sql } from "@teranga/kit/postgres/database.ts";
import { withinMs } from "@teranga/kit/process/timer.ts";
import { hasConfirmed } from "./join.ts";
import { slotOf } from "./names.ts";
import type { NodeManager } from "./node-manager.ts";

const ANSWER_LIMIT_MS = 2_000;
const LOOK_AGAIN_MS = 20;

/** Every node hears of it at its next look. False if the node does not answer. */
export async function setPaused(nodes: NodeManager, node: string, paused: boolean): Promise<boolean> {
  const sql = nodes.databaseOf(node)?.sql;
  if (!sql) return false;
  const set = sql`update node_state set paused = ${paused}`.then(
    () => true,
    () => false,
  );
  const isSet = (await withinMs(ANSWER_LIMIT_MS, set)) ?? false;
  nodes.wake();
  return isSet;
}

/** Waits until each node has what all others have written so far. Returns what is still missing. */
export async function syncNow(nodes: NodeManager, waitMs: number): Promise<{ from: string; to: string }[]> {
  nodes.wake();
  const endMs = performance.now() + waitMs;
  const waits = nodes.names.flatMap((from) => {
    const sql = nodes.databaseOf(from)?.sql;
    return nodes.names
      .filter((to) => to !== from)
      .map(async (to) => {
        const has = sql && (await withinMs(waitMs, untilReceived(sql, to, endMs)).catch(() => false));
        return has ? [] : [{ from, to }];
      });
  });
  return (await Promise.all(waits)).flat();
}

async function untilReceived(sql: Sql, to: string, endMs: number): Promise<boolean> {
  const [row] = await sql<{ number: number; flushed: number }[]>`
    select oid::int as number, (pg_current_wal_flush_lsn() - '0/0')::bigint as flushed
    from pg_database where datname = current_database()`;
  while (!(await hasConfirmed(sql, slotOf(row!.number, to), row!.flushed))) {
    if (performance.now() >= endMs) return false;
    await delay(LOOK_AGAIN_MS);
  }
  return true;
}
