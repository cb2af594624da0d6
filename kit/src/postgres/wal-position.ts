/** The position of a primary, as its database says it. */
import { setTimeout as delay } from "node:timers/promises";
import { withoutDeadline } from "../http/deadline.ts";
import { PrimaryPositions, type WalPosition } from "../reads/primary-positions.ts";
import type { Sql } from "./sql.ts";

/** The positions of the primary that a pool is connected to. A timeline is recorded before it is told. */
export function positionsOf(sql: Sql): PrimaryPositions {
  let recorded = 0;
  const read = async (): Promise<WalPosition> => {
    const [position] = await sql<WalPosition[]>`
      select timeline, lsn, under_way as "underWay" from wal_position()`;
    const { timeline } = position!;
    if (timeline > recorded) await record(sql, timeline);
    recorded = timeline;
    return position!;
  };
  // Callers share an answer, so it ends with the deadline of none.
  const readPosition = () => withoutDeadline(read);
  return new PrimaryPositions({ readPosition, nowMs: () => performance.now(), delay });
}

/**
 * Does not wait for a synchronous replica: after a promotion there may be none yet, and reads go on. Whatever
 * is written later follows it in the log.
 */
function record(sql: Sql, timeline: number): Promise<unknown> {
  return sql`
    insert into timeline (id) select ${timeline}::integer from set_config('synchronous_commit', 'local', true)
    on conflict do nothing`;
}
