/** What one member of a database says of itself: its primary or a replica. */
import { withoutDeadline } from "../http/deadline.ts";
import type { MemberLook } from "../reads/replica.ts";
import type { Sql } from "./sql.ts";

/** SQLSTATEs. */
const UNDEFINED_TABLE = "42P01";
const UNDEFINED_FUNCTION = "42883";

/**
 * Looks at the server that a pool is connected to. The timeline of a replica is the newest that its data
 * tells (0-positions.sql), none before the first migration. Its snapshot is older than the position: it may
 * say a timeline too few, not one too many.
 */
export function lookAt(sql: Sql): Promise<MemberLook> {
  return withoutDeadline(async () => {
    try {
      return await look(sql, sql`(select coalesce(max(id), 0) from timeline)`);
    } catch (error) {
      if ((error as { code?: string }).code !== UNDEFINED_TABLE) throw error;
      return look(sql, sql`0`);
    }
  });
}

async function look(sql: Sql, recorded: ReturnType<Sql>): Promise<MemberLook> {
  const [row] = await sql<MemberLook[]>`
    select pg_is_in_recovery() as "inRecovery", pg_postmaster_start_time()::text as "startedAt",
      (select system_identifier::text from pg_control_system()) || '/' || (
        select oid::text from pg_database where datname = current_database()
      ) as identity,
      coalesce(
        case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_flush_lsn() end - '0/0'::pg_lsn, 0
      )::bigint as lsn,
      case
        when pg_is_in_recovery() then ${recorded}
        else ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer
      end as timeline,
      current_setting('synchronous_standby_names') <> '' as "waitsForReplicas"`;
  return row!;
}

/** Whether a database lacks what every service's has (0-positions.sql). */
export function isNotMigrated(error: unknown): boolean {
  return [UNDEFINED_FUNCTION, UNDEFINED_TABLE].includes((error as { code?: string }).code ?? "");
}

/** Why a member does not answer, in a few words. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: string; message: string };
  return (code ?? message).split("\n")[0]!;
}

/** Of a database URL, without user, password and options. */
export function serverAndName(url: string): string {
  const { hostname, port, pathname } = new URL(url);
  return `${hostname}:${port || "5432"}${pathname}`;
}
