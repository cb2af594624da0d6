/** Applies a service's SQL migrations (`NNN.do.name.sql`) with postgrator, one starter at a time. */
import Postgrator from "postgrator";
import { StartupError } from "./config.ts";
import { retryLostTransaction, type Sql } from "./database.ts";

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

/** SQLSTATEs: a deadlock, a serialization failure, a lock that was not given in time. */
const OTHERS_IN_THE_WAY = ["40P01", "40001", "55P03"];

/**
 * Brings the database to the newest version in `directory`, in one transaction: migrations, their records and the lock that has
 * instances wait for the one that started first. So a start that is killed has done nothing, and nothing is left to be unlocked.
 * Instances of the version before go on meanwhile; where PostgreSQL ends the migration in favour of one of them, it is run again.
 * @param lockOrder the tables that running instances lock, in their order: they are locked in this order before the first migration that
 * is missing. Migrations alone would lock them in an order of their own, and nearly every one would deadlock on a busy database.
 * @throws StartupError if the database cannot be reached or others are in the way; Error if an applied migration's file was changed
 * since (its checksum differs), or what a migration failed on
 */
export async function migrate(sql: Sql, directory: string, lockOrder: readonly string[] = []): Promise<void> {
  let isConnected = false;
  try {
    await retryLostTransaction(sql, () =>
      sql.begin(async (transaction) => {
        isConnected = true;
        await transaction`select set_config('lock_timeout', ${LOCK_TIMEOUT}, true), set_config('statement_timeout', '0', true)`;
        await transaction`select pg_advisory_xact_lock(${ADVISORY_LOCK})`;
        const exec = async (script: string) => ({ rows: await transaction.unsafe(script).simple() });
        await applyMigrations({ exec }, directory, lockOrder);
      }),
    );
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (isConnected && code === INSUFFICIENT_PRIVILEGE)
      throw new StartupError(`DATABASE_URL: its role may not do what a migration does: ${message}`);
    if (isConnected && OTHERS_IN_THE_WAY.includes(code ?? ""))
      throw new StartupError(`DATABASE_URL: the migration was kept from its tables by others: ${message}`);
    if (isConnected) throw error;
    // The first connection of a service: what is wrong with it is the operator's to mend.
    const reason = message.split("\n")[0];
    throw new StartupError(`DATABASE_URL: no connection: ${reason}`, { cause: error });
  }
}

/** Applies the migrations, in whatever transaction the target is. */
export async function applyMigrations(
  target: MigrationTarget,
  directory: string,
  lockOrder: readonly string[] = [],
): Promise<void> {
  const postgrator = new Postgrator({
    driver: "pg",
    migrationPattern: `${directory}/*.do.*.sql`,
    schemaTable: "schema_version",
    execQuery: (query) => target.exec(query),
  });
  if ((await postgrator.getDatabaseVersion()) < (await postgrator.getMaxVersion()))
    await lockTables(target, lockOrder);
  await postgrator.migrate();
}

/** Locks those that are there by now. */
async function lockTables(target: MigrationTarget, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const { rows } = await target.exec(`select where to_regclass('${name}') is not null`);
    if (rows.length > 0) await target.exec(`lock table ${name} in access exclusive mode`);
  }
}
