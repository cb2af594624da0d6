/** Whether a node's clock is so far ahead that the others would lay aside what it writes (3-nodes.sql). */
import type { Sql } from "@teranga/kit/postgres/database.ts";
import type { NodeLook } from "./node-look.ts";
import type { Peer } from "./plan.ts";

/** As `clock_ahead_max()`. */
const AHEAD_MAX_MS = 3_600_000;

/**
 * A line for people; undefined if the clock may be right, or if no other node answers. Of two nodes, nobody
 * can tell whose clock is wrong: the one that is ahead does not write.
 */
export function clockFault({ id, nowMs }: NodeLook, peers: ReadonlyMap<string, Peer>): string | undefined {
  const others = Array.from(peers.values()).flatMap((seen) =>
    seen.kind === "seen" ? [seen.look.nowMs] : [],
  );
  const aheadMs = nowMs - Math.max(...others);
  if (others.length === 0 || aheadMs <= AHEAD_MAX_MS) return undefined;
  const minutes = Math.round(aheadMs / 60_000);
  return `the clock of node ${id} is ${minutes} minutes ahead of those of all others: nothing is written here`;
}

/** Lets the database refuse writes, or take them again. */
export async function noteClock(sql: Sql, isAhead: boolean): Promise<void> {
  await sql`update this_node set clock_ahead = ${isAhead} where clock_ahead <> ${isAhead}`;
}
