import type { Sql } from "@teranga/kit/postgres/database.ts";
import type { CityClock } from "../city-clock.ts";

/**
 * The horizon moves in steps of a 1,000th of `keptMs`. A move at every look would write a row for nothing.
 */
const STEPS = 1_000;

/**
 * Moves the horizon to `keptMs` before this city's time or before the newest id that could be pruned,
 * whichever is earlier. So no clock that runs ahead, here or at an orchestrator, can make all new
 * transactions too old. The horizon never moves back.
 */
export async function moveHorizon(sql: Sql, keptMs: number, clock: CityClock): Promise<void> {
  const [row] = await sql<{ newest: string | null; bound: string | null; now: Date }[]>`
    select greatest(
      (select max(split_part(transaction_id, ':', 2)) from transaction_decision where state = 'ABORTED'),
      (select max(split_part(transaction_id, ':', 2)) from participation where state = 'ABORTED')
    ) as newest, (select bound from horizon) as bound, ${clock.now(sql)} as now`;
  const { newest, bound, now } = row!;
  if (newest === null) return;
  const targetMs = Math.min(now.getTime(), timeOf(newest)) - keptMs;
  if (targetMs <= 0 || (bound !== null && targetMs < timeOf(bound) + keptMs / STEPS)) return;
  await sql`
    insert into horizon (bound) values (${boundAt(targetMs)})
    on conflict (only_one) do update set bound = excluded.bound where horizon.bound < excluded.bound`;
}

/** The time of a UUIDv7, in milliseconds since 1970. */
function timeOf(uuid: string): number {
  return Number.parseInt(uuid.replace("-", "").slice(0, 12), 16);
}

/** The first characters of a UUIDv7 of that millisecond. */
function boundAt(timeMs: number): string {
  const hex = Math.floor(timeMs).toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}
