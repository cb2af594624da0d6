import type { Fragment, Queryable } from "@teranga/kit/postgres/sql.ts";
import { type Clock, systemClock } from "@teranga/kit/process/retry.ts";

/**
 * The clock of a city. What is written to its database, and compared there, is the database's time: the
 * instances of a city agree on it, however far their own clocks are apart. The instance's own clock is only
 * for what it shows and signs.
 */
export interface CityClock extends Clock {
  /** Now, as a part of a statement. */
  now(sql: Queryable): Fragment;
}

/** To the millisecond, as every program and cursor reads times. */
export const cityClock: CityClock = { ...systemClock, now: (sql) => sql`date_trunc('milliseconds', now())` };
