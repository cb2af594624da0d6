/** What a primary holds for its replicas: the role that they stream with, and a slot for each. */
import type postgres from "postgres";
import { asSuperuser, type RunningPostgres } from "./postgres-process.ts";
import { REPLICATION_ROLE } from "./postgres-settings.ts";

/** The slot keeps the WAL that the replica has not had yet. */
export function slotOf(replica: string): string {
  return replica.replaceAll("-", "_");
}

export interface Admission {
  primary: Pick<RunningPostgres, "url">;
  name: string;
  replicationPassword: string;
}

/** Makes what a replica needs on its primary: the role, and a slot. A slot that is lost is made anew. */
export async function admitReplica({ primary, name, replicationPassword }: Admission): Promise<void> {
  const slot = slotOf(name);
  await asSuperuser(primary.url("postgres"), async (sql) => {
    // Replicas of one primary start side by side.
    await sql`select pg_advisory_lock(hashtext('teranga replicas'))`;
    await ensureRole(sql, replicationPassword);
    await sql`select pg_drop_replication_slot(slot_name) from pg_replication_slots
      where slot_name = ${slot} and wal_status = 'lost'`;
    await sql`select pg_create_physical_replication_slot(${slot}, true)
      where not exists (select from pg_replication_slots where slot_name = ${slot})`;
  });
}

async function ensureRole(sql: postgres.Sql, password: string): Promise<void> {
  const [role] = await sql`
    select format('create role %I login replication password %L', ${REPLICATION_ROLE}::text, ${password}::text) as text
    where not exists (select from pg_roles where rolname = ${REPLICATION_ROLE})
  `;
  if (role) await sql.unsafe(role.text as string);
}

/** Drops the slot of a replica that is no more, so that it keeps no WAL. */
export async function dismissReplica({ primary, name }: Pick<Admission, "primary" | "name">): Promise<void> {
  const slot = slotOf(name);
  await asSuperuser(primary.url("postgres"), async (sql) => {
    await sql`select pg_terminate_backend(active_pid, 5000) from pg_replication_slots
      where slot_name = ${slot} and active`;
    await sql`select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = ${slot}`;
  });
}

/** How far a replica is behind its primary. */
export interface Following {
  /** How much of the primary's WAL it has not replayed. */
  lagBytes: number;
  /** How long the newest commits took until it had replayed them; null while nothing is written. */
  lagMs: number | null;
  /** Whether commits wait for it. */
  synchronous: boolean;
}

/** The replicas that stream from a primary, by name. */
export function followersOf(url: string): Promise<Map<string, Following>> {
  return asSuperuser(url, async (sql) => {
    const rows = await sql<({ name: string } & Following)[]>`
      select application_name as name,
        pg_wal_lsn_diff(pg_current_wal_flush_lsn(), replay_lsn)::float8 as "lagBytes",
        round(extract(epoch from replay_lag) * 1000)::float8 as "lagMs",
        sync_state in ('sync', 'quorum') as synchronous
      from pg_stat_replication where state = 'streaming'`;
    return new Map(rows.map(({ name, ...following }) => [name, following]));
  });
}
