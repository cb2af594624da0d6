import type { CityClock } from "@teranga/protocol/city/city-clock.ts";

/** A city's clock that a test sets, in place of its database's. */
export function setClock(nowMs: () => number): CityClock {
  return { nowMs, random: () => 0.5, now: (sql) => sql`${new Date(nowMs())}::timestamptz` };
}
