/** The process of one local PostgreSQL server: starts it on a data directory that exists, and ends it. */
import { type ChildProcess, spawn } from "node:child_process";
import { open, readFile } from "node:fs/promises";
import { join, parse } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { StartupError } from "@teranga/kit/process/config.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import postgres from "postgres";
import { freePort, isPortOpen } from "./ports.ts";
import { SUPERUSER } from "./postgres-data.ts";
import { stopLeftoverPostgres } from "./postgres-leftover.ts";
import {
  type LiveSettings,
  NOT_DURABLE,
  SETTINGS,
  writeAccess,
  writeLiveSettings,
} from "./postgres-settings.ts";
import { endsWithin, exitOf } from "./process.ts";
import type { LaunchedProcess, ProcessExit } from "./supervisor.ts";
import type { SystemUser } from "./system-user.ts";

export interface PostgresOptions {
  /** The data directory; it is made if it is missing or empty. */
  directory: string;
  /** TCP port on 127.0.0.1; 0 takes a free one. */
  port: number;
  /** The superuser's password. It is set when the data directory is made and must stay the same. */
  password: string;
  log: Logger;
  /** The file for the server's own output; "server.log" in the data directory by default. */
  logFile?: string;
  /** False trades safety against a power cut for speed; only for tests. */
  durable?: boolean;
  /** Further settings, such as `max_prepared_transactions`. They override ours. */
  settings?: Readonly<Record<string, string>>;
  /** Aborts a start under way; nothing is left running. */
  signal?: AbortSignal;
}

export interface RunningPostgres extends LaunchedProcess {
  /** The connection URL of a database, with user and password. */
  url(database: string): string;
  port: number;
  /** The real path of the data directory. */
  place: string;
  /** Makes the database if it does not exist. Returns its URL. */
  ensureDatabase(name: string): Promise<string>;
  /** Replaces the live settings; the server goes by them at once. */
  configure(settings: LiveSettings): Promise<void>;
  /** Makes a replica a primary. Resolves when it takes writes. Does nothing to a primary. */
  promote(): Promise<void>;
  /** Ends the server in bounded time: rolls back open transactions, flushes the data. Can be called again. */
  stop(): Promise<void>;
}

export interface ServerOptions extends PostgresOptions {
  /** The program `postgres`. */
  program: string;
  /** The real path of the data directory, which exists. */
  place: string;
  user: SystemUser | undefined;
  live: LiveSettings;
  /** Asked until the server is ready: why there is no use in waiting; undefined if there is. */
  hopeless?: () => Promise<string | undefined>;
}

/**
 * Recovery after a crash replays about 1 GB of WAL at most (max_wal_size). A laptop's disk takes well under a
 * minute for it.
 */
const READY_TIMEOUT_MS = 60_000;
const READY_PROBE_MS = 50;
const STOP_FAST_MS = 8_000;
const STOP_IMMEDIATE_MS = 8_000;
const PROMOTE_TIMEOUT_S = 30;
const CONNECT_TIMEOUT_S = 2;

/**
 * Runs a server and waits until it takes connections. A server that an ended process left running on the same
 * directory is stopped first.
 * @throws StartupError with one line if it does not come up
 */
export async function runServer(options: ServerOptions): Promise<RunningPostgres> {
  const { program, place, password, log, durable = true, user, live } = options;
  await stopLeftoverPostgres(place, log);
  await writeAccess(place, user);
  await writeLiveSettings(place, live, user);
  const port = options.port || (await freePort());
  const logFile = options.logFile ?? join(place, "server.log");
  const { child, exited } = await spawnServer({
    program,
    directory: place,
    logFile,
    settings: { ...SETTINGS, ...(durable ? {} : NOT_DURABLE), ...options.settings, port: String(port) },
    user,
  });
  const server: RunningPostgres = {
    url: (database) => superuserUrl(port, password, database),
    port,
    place,
    pid: child.pid ?? 0,
    exited,
    ensureDatabase: (name) => ensureDatabase(server, name),
    async configure(settings) {
      await writeLiveSettings(place, settings, user);
      await asSuperuser(server.url("postgres"), (sql) => sql`select pg_reload_conf()`);
    },
    promote: () => promote(server),
    stop: () => stopServer(child, exited, log),
  };
  try {
    await untilReady(server, logFile, options);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
}

/** The URL of a local server's database, with user and password. */
export function superuserUrl(port: number, password: string, database: string): string {
  return `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/${database}`;
}

/**
 * Runs statements on a connection of its own. Its commits wait for no replica: that is for what clients are
 * told, and a replica is often not there yet.
 */
export async function asSuperuser<T>(url: string, work: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const sql = postgres(url, {
    max: 1,
    connect_timeout: CONNECT_TIMEOUT_S,
    connection: { synchronous_commit: "local" },
    onnotice: () => {},
  });
  try {
    return await work(sql);
  } finally {
    await sql.end({ timeout: 0 });
  }
}

interface SpawnOptions {
  program: string;
  directory: string;
  logFile: string;
  settings: Readonly<Record<string, string>>;
  user: SystemUser | undefined;
}

/** Spawns the server. A failed spawn is reported as a server that ended at once. */
async function spawnServer(
  options: SpawnOptions,
): Promise<{ child: ChildProcess; exited: Promise<ProcessExit> }> {
  const { program, directory, logFile, settings, user } = options;
  const output = await open(logFile, "a", 0o600);
  try {
    const child = spawn(
      program,
      ["-D", directory, ...Object.entries(settings).flatMap(([k, v]) => ["-c", `${k}=${v}`])],
      {
        // The caller's directory may be closed to the server's user.
        cwd: parse(directory).root,
        env: { PATH: process.env.PATH, LC_ALL: "C" },
        stdio: ["ignore", output.fd, output.fd],
        // A process group of its own: a terminal's Ctrl-C reaches only the program that started it.
        detached: true,
        ...user,
      },
    );
    return { child, exited: exitOf(child) };
  } finally {
    await output.close();
  }
}

async function untilReady(
  server: RunningPostgres,
  logFile: string,
  { signal, hopeless }: ServerOptions,
): Promise<void> {
  let ended = false;
  void server.exited.then(() => {
    ended = true;
  });
  const deadlineMs = performance.now() + READY_TIMEOUT_MS;
  let reason: string | undefined;
  while (!ended && !reason && performance.now() < deadlineMs) {
    signal?.throwIfAborted();
    if ((await isPortOpen(server.port)) && (await acceptsConnections(server.url("postgres")))) return;
    await sleep(READY_PROBE_MS);
    reason = await hopeless?.();
  }
  reason ??= ended ? await lastFault(logFile) : `not ready within ${READY_TIMEOUT_MS} ms`;
  throw new StartupError(`PostgreSQL on port ${server.port} did not start: ${reason}; see ${logFile}`);
}

/**
 * Whether the server behind the URL answers now.
 * @throws StartupError if it refuses the password
 */
export async function acceptsConnections(url: string): Promise<boolean> {
  try {
    await asSuperuser(url, (sql) => sql`select 1`);
    return true;
  } catch (error) {
    const code = String((error as { code?: string }).code);
    // 28P01 is invalid_password: waiting does not help.
    if (code === "28P01") throw new StartupError("PostgreSQL refuses the password that is kept in the home");
    return false;
  }
}

/** The newest log line that says why the server gave up, without time and process id. */
async function lastFault(logFile: string): Promise<string> {
  const lines = (await readFile(logFile, "utf8").catch(() => "")).trimEnd().split("\n");
  const fault = lines.findLast((line) => line.includes("FATAL:") || line.includes("PANIC:")) ?? lines.at(-1);
  return fault?.replace(/^.*(FATAL|PANIC):\s*/, "") || "it ended at once";
}

async function ensureDatabase(server: RunningPostgres, name: string): Promise<string> {
  await asSuperuser(server.url("postgres"), async (sql) => {
    const [row] = await sql`select 1 from pg_database where datname = ${name}`;
    if (!row) await sql`create database ${sql(name)}`;
  });
  return server.url(name);
}

async function promote(server: RunningPostgres): Promise<void> {
  await asSuperuser(server.url("postgres"), async (sql) => {
    const [state] = await sql`select pg_is_in_recovery() as is_replica`;
    if (!state?.is_replica) return;
    const [row] = await sql`select pg_promote(true, ${PROMOTE_TIMEOUT_S}) as promoted`;
    if (!row?.promoted) throw new Error(`it did not become the primary within ${PROMOTE_TIMEOUT_S} s`);
  });
}

/**
 * Tries a fast shutdown (SIGINT), then an immediate one (SIGQUIT: the next start recovers from the log), then
 * SIGKILL.
 */
async function stopServer(child: ChildProcess, exited: Promise<ProcessExit>, log: Logger): Promise<void> {
  for (const [signal, limitMs] of [
    ["SIGINT", STOP_FAST_MS],
    ["SIGQUIT", STOP_IMMEDIATE_MS],
    ["SIGKILL", STOP_IMMEDIATE_MS],
  ] as const) {
    child.kill(signal);
    if (await endsWithin(exited, limitMs)) return;
    log.warn({ pid: child.pid, signal, limitMs }, "PostgreSQL did not end in time");
  }
}
