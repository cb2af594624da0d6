/** A PostgreSQL server for one test file, removed afterwards. */
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLogger, type Logger } from "@teranga/kit/process/log.ts";
import { startPostgres } from "./postgres.ts";
import { removeDataDirectory } from "./postgres-data.ts";
import type { RunningPostgres } from "./postgres-process.ts";
import { startReplica } from "./postgres-replica.ts";

/**
 * Starts a server on a new, empty directory and a free port, in about a second. `stop()` removes the
 * directory too.
 */
export async function startTestPostgres(
  log: Logger = createLogger("test", "silent"),
  settings: Readonly<Record<string, string>> = {},
): Promise<RunningPostgres> {
  const directory = await mkdtemp(join(tmpdir(), "teranga-postgres-"));
  const server = await startPostgres({ directory, port: 0, password: "test", log, durable: false, settings });
  const stop = async () => {
    await server.stop();
    await removeDataDirectory(directory);
  };
  return { ...server, stop };
}

/** Starts a replica of a test's server, in about a second. `stop()` removes its directory too. */
export async function startTestReplica(
  primary: RunningPostgres,
  name = "replica-2",
  log: Logger = createLogger("test", "silent"),
): Promise<RunningPostgres> {
  const directory = await mkdtemp(join(tmpdir(), "teranga-postgres-"));
  const server = await startReplica({
    primary,
    name,
    directory,
    port: 0,
    password: "test",
    replicationPassword: "replication",
    log,
    durable: false,
  });
  const stop = async () => {
    await server.stop();
    await removeDataDirectory(directory);
  };
  return { ...server, stop };
}
