/** What the tail does with the outbox (sql/outbox.sql), on a connection of its own to the primary. */
import postgres from "postgres";
import type { Sql } from "../postgres/sql.ts";
import type { Position } from "../reads/position.ts";
import type { Change } from "./change.ts";

/** More changes at once are told as changes of their types. */
export const CHANGES_MAX = 1_000;

/** Nothing here takes a tenth of it. */
const STATEMENT_TIMEOUT_MS = 2_000;
/** Rows that are deleted at once, within a few milliseconds. */
const PRUNED_MAX = 1_000;

export interface OutboxConnection {
  sql: Sql;
  /** Breaks off what is under way. */
  close(): Promise<void>;
}

/**
 * Opens a connection that is never replaced by another one unnoticed. It is made at its first use.
 * @param onClose called when the connection has ended, or could not be made
 */
export function openOutboxConnection(
  url: string,
  applicationName: string,
  onClose: () => void,
): OutboxConnection {
  const options = {
    max: 1,
    connect_timeout: 2,
    // The tail never rests for so long. A connection that the driver made after its end does.
    idle_timeout: 60,
    max_lifetime: null,
    onnotice: () => {},
    onclose: onClose,
    types: { bigint: { to: 20, from: [20], serialize: String, parse: Number } },
    connection: {
      application_name: `${applicationName} outbox`,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      default_transaction_isolation: "read committed",
    },
  };
  // The driver's types know neither the absent limit of its life nor who hears of its end.
  const sql = postgres(url, options as object) as unknown as Sql;
  return { sql, close: () => sql.end({ timeout: 0 }) };
}

export interface OutboxReading {
  /** What this statement saw. */
  snapshot: string;
  /** Where the log was flushed to, asked for after the snapshot. */
  flushedLsn: number;
  /** Whether everything that was flushed up to there was visible a moment later. */
  isSettled: boolean;
  changes: readonly Change[];
}

/** Whether something has become visible since a snapshot. Takes a third of a reading. */
export async function hasNews(sql: Sql, since: string): Promise<boolean> {
  const [row] = await sql<{ hasNews: boolean }[]>`
    select exists (select from outbox where ${isNewSince(sql, since)}) as "hasNews"`;
  return row!.hasNews;
}

const isNewSince = (sql: Sql, since: string) =>
  sql`xid >= pg_snapshot_xmin(${since}::pg_snapshot) and not pg_visible_in_snapshot(xid, ${since}::pg_snapshot)`;

/**
 * Reads what has become visible since another snapshot; everything if there is none. A transaction may
 * commit long after others with later numbers: so snapshots tell what is new, and the order of rows does not.
 */
export async function readOutbox(sql: Sql, since: string | null): Promise<OutboxReading> {
  const [row] = await sql<OutboxReading[]>`
    with fresh as materialized (
      select distinct type, key from outbox
      where ${since === null ? sql`true` : isNewSince(sql, since)}
    ), told as (
      select type, key from fresh where (select count(*) from fresh) <= ${CHANGES_MAX}
      union all
      select distinct type, null from fresh where (select count(*) from fresh) > ${CHANGES_MAX}
    ), flushed as materialized (
      select (pg_current_wal_flush_lsn() - '0/0')::bigint as lsn
    )
    select
      pg_current_snapshot()::text as snapshot,
      flushed.lsn as "flushedLsn",
      -- A transaction holds its lock until it is visible. No snapshot lists the newest one.
      not exists (
        select from pg_locks where locktype = 'transactionid' and granted and flushed.lsn is not null
      ) as "isSettled",
      (select coalesce(json_agg(told), '[]') from told) as changes
    from flushed`;
  return row!;
}

/**
 * Writes a mark into the log, to the disk. Its position is later than every position that was told before,
 * and the log has reached it afterwards, which the present end of the log has not: a transaction is flushed
 * before it is visible, so a reader without it may have been told that end.
 */
export async function markLog(sql: Sql): Promise<Position> {
  const [row] = await sql<{ lsn: number; file: string }[]>`
    with mark as materialized (select pg_logical_emit_message(false, 'outbox', '', true) as lsn)
    select (lsn - '0/0')::bigint as lsn, pg_walfile_name(pg_current_wal_lsn()) as file from mark`;
  return { timeline: Number.parseInt(row!.file.slice(0, 8), 16), lsn: row!.lsn };
}

/** Deletes some of the rows that a snapshot saw. Returns whether there may be more. */
export async function pruneOutbox(sql: Sql, seenBy: string): Promise<boolean> {
  const { count } = await sql`
    delete from outbox where ctid = any (array(
      select ctid from outbox
      where xid < pg_snapshot_xmax(${seenBy}::pg_snapshot) and pg_visible_in_snapshot(xid, ${seenBy}::pg_snapshot)
      order by xid limit ${PRUNED_MAX} for update skip locked
    ))`;
  return count === PRUNED_MAX;
}
