/** The settings of a local PostgreSQL server: those of its command line, and the files that it reads. */
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { giveTo, type SystemUser } from "./system-user.ts";

/** The role that replicas stream with. It can do nothing else. */
export const REPLICATION_ROLE = "teranga_replication";

/**
 * Settings of the command line. They go before all files. Primaries and replicas have the same: any replica
 * can become the primary.
 */
export const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  timezone: "UTC",
  log_timezone: "UTC",
  // A small machine runs six of these servers, so each has less memory and no pool of I/O worker processes.
  shared_buffers: "32MB",
  io_method: "sync",
  // The details of an error contain values of rows, e-mail addresses among them; those of a statement contain
  // its parameters.
  log_error_verbosity: "terse",
  log_parameter_max_length: "0",
  log_parameter_max_length_on_error: "0",
  // A replica that stays away must not fill the disk. One that is further behind is copied afresh, which
  // takes a second.
  max_slot_wal_keep_size: "256MB",
  // A connection that hangs is given up after 5 s instead of a minute, and the next try is not 5 s later.
  wal_sender_timeout: "5s",
  wal_receiver_timeout: "5s",
  wal_receiver_status_interval: "1s",
  wal_retrieve_retry_interval: "200ms",
  // A read on a replica holds the replay back for a second at most. It is rarely in its way: the primary
  // keeps the row versions that it sees.
  hot_standby: "on",
  hot_standby_feedback: "on",
  max_standby_streaming_delay: "1s",
  // A copy and a crashed server are synced before they start. File by file that takes 4.5 s on a busy disk,
  // as a whole 0.7 s. Only Linux can.
  ...(process.platform === "linux" ? { recovery_init_sync_method: "syncfs" } : {}),
};

/** More than there are nodes; with two of them as many as PostgreSQL allows unasked. */
const SPARE = 8;

/** Further settings of a server with the database of one of so many nodes of the catalog. */
export function nodeSettings(nodes: number): Readonly<Record<string, string>> {
  const places = String(nodes + SPARE);
  return {
    wal_level: "logical",
    max_logical_replication_workers: places,
    max_worker_processes: places,
    max_replication_slots: places,
    max_active_replication_origins: places,
    max_wal_senders: places,
    // A receiver answers between transactions, and may fold a long one. With 5 s it was cut off meanwhile,
    // and had all of it sent again.
    wal_sender_timeout: "60s",
  };
}

/** Safe against a crash of the server, not against a crash of the machine. */
export const NOT_DURABLE: Readonly<Record<string, string>> = { fsync: "off", full_page_writes: "off" };

/** Who may connect, and how. The role of the replicas may not read a table. */
const ACCESS = `# Written at each start.
host replication ${REPLICATION_ROLE} 127.0.0.1/32 scram-sha-256
host all         ${REPLICATION_ROLE} all          reject
host all         all                 127.0.0.1/32 scram-sha-256
`;

/** Writes who may connect. The server reads it when it starts. */
export function writeAccess(place: string, user: SystemUser | undefined): Promise<void> {
  return replaceFile(join(place, "pg_hba.conf"), ACCESS, user);
}

/** Settings that may change while the server runs. Those of the command line must not be among them. */
export type LiveSettings = Readonly<
  Partial<Record<"primary_conninfo" | "primary_slot_name" | "synchronous_standby_names", string>>
>;

/** Writes the live settings, instead of all that were there. The server reads them when it is told to. */
export function writeLiveSettings(
  place: string,
  settings: LiveSettings,
  user: SystemUser | undefined,
): Promise<void> {
  const lines = Object.entries(settings).map(
    ([name, value]) => `${name} = '${value.replaceAll("'", "''")}'\n`,
  );
  return replaceFile(join(place, "postgresql.auto.conf"), lines.join(""), user);
}

async function replaceFile(file: string, text: string, user: SystemUser | undefined): Promise<void> {
  const partial = `${file}.partial`;
  await writeFile(partial, text, { mode: 0o600 });
  await giveTo(user, partial);
  await rename(partial, file);
}
