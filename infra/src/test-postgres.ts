/** A PostgreSQL server for one test file, removed afterwards. */
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLogger, type Logger } from "@teranga/kit/process/log.ts";
import { type RunningPostgres, startPostgres } from "./postgres.ts";
import { removeDataDirectory } from "./postgres-data.ts";

/**
 * Starts a server on a new, empty directory and a free port, in about a second. `stop()` removes the
 * directory too.
 */
export async function startTestPostgres(
  log: Logger = createLogger("test", "silent"),
): Promise<RunningPostgres> {
  const directory = await mkdtemp(join(tmpdir(), "teranga-postgres-"));
  const server = await startPostgres({ directory, port: 0, password: "test", log, durable: false });
  const stop = async () => {
    await server.stop();
    await removeDataDirectory(directory);
  };
  return { ...server, stop };
}
