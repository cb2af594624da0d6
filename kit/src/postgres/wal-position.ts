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
    if (timeline > recorded) await sql`insert into timeline (id) values (${timeline}) on conflict do nothing`;
    recorded = timeline;
    return position!;
  };
  // Callers share an answer, so it ends with the deadline of none.
  const readPosition = () => withoutDeadline(read);
  return new PrimaryPositions({ readPosition, nowMs: () => performance.now(), delay });
}
