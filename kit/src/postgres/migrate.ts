/**
 * Makes a service's database what its SQL files say, one starter at a time: migrations (`NNN.do.name.sql`), each
 * applied once, with postgrator; then functions, whose files are run again when they have changed.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import Postgrator from "postgrator";
import { StartupError } from "../process/config.ts";
import { retryLostTransaction, type Sql } from "./database.ts";

/** What scripts run on: PostgreSQL through the pool here, PGlite in tests of SQL. */
export interface MigrationTarget {
  /** Runs one statement or a script of several; rows of the last one. */
  exec(script: string): Promise<{ rows: Record<string, unknown>[] }>;
}

/** Where the SQL files of a service are. */
export interface DatabaseFiles {
  /** The folder of migrations. */
  migrations: string;
  /** The folder of functions (create-functions.sql), if the service has any. */
  functions?: string;
  /**
   * The tables that running instances lock, in their order. They are locked in this order before the first
   * migration that is missing. Migrations alone would lock them in an order of their own, and nearly every one
   * would deadlock on a busy database.
   */
  lockOrder?: readonly string[];
}

const CREATE_FUNCTIONS = new URL("create-functions.sql", import.meta.url);

/** Any constant will do, as long as all instances of a service use the same: "teranga" on a telephone keypad. */
const ADVISORY_LOCK = 8_372_642;
/** Instances that start together wait here for the first one to finish migrating. */
const LOCK_TIMEOUT = "60s";

/** SQLSTATE; most likely of an extension, which takes the right CREATE on the database (docs/configuration.md). */
const INSUFFICIENT_PRIVILEGE = "42501";

/** SQLSTATEs: a deadlock, a serialization failure, a lock that was not given in time. */
const OTHERS_IN_THE_WAY = ["40P01", "40001", "55P03"];

/**
 * Brings the database to what the files say, in one transaction: migrations, functions, the records of both, and
 * the lock that has instances wait for the one that started first. So a start that is killed has done nothing,
 * and nothing is left to be unlocked. Instances of the version before go on meanwhile; where PostgreSQL ends the
 * migration in favour of one of them, it is run again.
 * @throws StartupError if the database cannot be reached, is from before the first release, or others are in the
 * way; Error if an applied migration's file was changed since (its checksum differs), or what a script failed on
 */
export async function migrate(sql: Sql, files: DatabaseFiles): Promise<void> {
  let isConnected = false;
  try {
    await retryLostTransaction(sql, () =>
      sql.begin(async (transaction) => {
        isConnected = true;
        await transaction`select set_config('lock_timeout', ${LOCK_TIMEOUT}, true), set_config('statement_timeout', '0', true)`;
        await transaction`select pg_advisory_xact_lock(${ADVISORY_LOCK})`;
        const exec = async (script: string) => ({ rows: await transaction.unsafe(script).simple() });
        await applySqlFiles({ exec }, files);
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

/** Applies migrations and functions, in whatever transaction the target is. */
export async function applySqlFiles(
  target: MigrationTarget,
  { migrations, functions, lockOrder = [] }: DatabaseFiles,
): Promise<void> {
  const postgrator = new Postgrator({
    driver: "pg",
    migrationPattern: `${migrations}/*.do.*.sql`,
    schemaTable: "schema_version",
    execQuery: (query) => target.exec(query),
  });
  const version = await postgrator.getDatabaseVersion();
  const newest = await postgrator.getMaxVersion();
  if (version > 0) await refuseUnreleased(target);
  if (version < newest) await lockTables(target, lockOrder);
  await postgrator.migrate();
  // An instance of an older version that starts again leaves the functions of the newer one.
  if (version <= newest) await createFunctions(target, functions);
}

/** Databases from before the first release have no record of functions: each version of one was a migration. */
async function refuseUnreleased(target: MigrationTarget): Promise<void> {
  const { rows } = await target.exec("select where to_regclass('function_file') is null");
  if (rows.length > 0)
    throw new StartupError(
      "DATABASE_URL: the database is from before the first release, whose tables no migration leads to; use a new" +
        " one (`npm run reset` deletes those of `npm start`)",
    );
}

/** Runs the files of functions that have changed. */
async function createFunctions(target: MigrationTarget, directory: string | undefined): Promise<void> {
  const names = directory === undefined ? [] : await readdir(directory);
  const files = await Promise.all(
    names.map(async (name) => ({ name, script: await readFile(join(directory!, name), "utf8") })),
  );
  const literal = `'${JSON.stringify(files).replaceAll("'", "''")}'`;
  const script = await readFile(CREATE_FUNCTIONS, "utf8");
  await target.exec(`select set_config('teranga.function_files', ${literal}, true); ${script}`);
}

/** Locks those that are there by now. */
async function lockTables(target: MigrationTarget, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const { rows } = await target.exec(`select where to_regclass('${name}') is not null`);
    if (rows.length > 0) await target.exec(`lock table ${name} in access exclusive mode`);
  }
}
