/** What one member of a database says of itself: its primary or a replica. */
import { withoutDeadline } from "../http/deadline.ts";
import type { MemberLook } from "../reads/replica.ts";
import type { Sql } from "./sql.ts";

/**
 * Looks at the server that a pool is connected to. The timeline of a replica is the newest that its data
 * tells (0-positions.sql). Its snapshot is older than the position: it may say a timeline too few, not one
 * too many.
 */
export function lookAt(sql: Sql): Promise<MemberLook> {
  return withoutDeadline(async () => {
    const [look] = await sql<MemberLook[]>`
      select pg_is_in_recovery() as "inRecovery", pg_postmaster_start_time()::text as "startedAt",
        (select system_identifier::text from pg_control_system()) || '/' || (
          select oid::text from pg_database where datname = current_database()
        ) as identity,
        coalesce(
          case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_flush_lsn() end - '0/0'::pg_lsn, 0
        )::bigint as lsn,
        case
          when pg_is_in_recovery() then (select coalesce(max(id), 0) from timeline)
          else ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer
        end as timeline,
        current_setting('synchronous_standby_names') <> '' as "waitsForReplicas"`;
    return look!;
  });
}
