/** Applies a service's SQL migrations (`NNN.do.name.sql`) with postgrator, one starter at a time. */
import Postgrator from "postgrator";
import { StartupError } from "./config.ts";
import type { Sql } from "./database.ts";

/** What a migration runs on; PostgreSQL through the pool here, PGlite in tests of SQL. */
export interface MigrationTarget {
  /** Runs one statement or a script of several; rows of the last one. */
  exec(script: string): Promise<{ rows: Record<string, unknown>[] }>;
}

/** Any constant will do, as long as all instances of a service use the same: "teranga" on a telephone keypad. */
const ADVISORY_LOCK = 8_372_642;
/** Instances that start together wait here for the first one to finish migrating. */
const LOCK_TIMEOUT = "60s";

/** SQLSTATE; most likely of an extension, which takes the right CREATE on the database (docs/configuration.md). */
const INSUFFICIENT_PRIVILEGE = "42501";

/**
 * Brings the database to the newest version in `directory`, in one transaction: migrations, their records and the lock that has
 * instances wait for the one that started first. So a start that is killed has done nothing, and nothing is left to be unlocked.
 * @throws StartupError if the database cannot be reached; Error if an applied migration's file was changed since (its
 * checksum differs), or what a migration failed on
 */
export async function migrate(sql: Sql, directory: string): Promise<void> {
  let isConnected = false;
  try {
    await sql.begin(async (transaction) => {
      isConnected = true;
      await transaction`select set_config('lock_timeout', ${LOCK_TIMEOUT}, true), set_config('statement_timeout', '0', true)`;
      await transaction`select pg_advisory_xact_lock(${ADVISORY_LOCK})`;
      const exec = async (script: string) => ({ rows: await transaction.unsafe(script).simple() });
      await applyMigrations({ exec }, directory);
    });
  } catch (error) {
    if (isConnected && (error as { code?: unknown }).code === INSUFFICIENT_PRIVILEGE)
      throw new StartupError(
        `DATABASE_URL: its role may not do what a migration does: ${(error as Error).message}`,
      );
    if (isConnected) throw error;
    // The first connection of a service: what is wrong with it is the operator's to mend.
    const reason = (error as Error).message.split("\n")[0];
    throw new StartupError(`DATABASE_URL: no connection: ${reason}`, { cause: error });
  }
}

/** Applies the migrations, in whatever transaction the target is. */
export async function applyMigrations(target: MigrationTarget, directory: string): Promise<void> {
  const postgrator = new Postgrator({
    driver: "pg",
    migrationPattern: `${directory}/*.do.*.sql`,
    schemaTable: "schema_version",
    execQuery: (query) => target.exec(query),
  });
  await postgrator.migrate();
}
