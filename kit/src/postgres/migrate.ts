/**
 * Brings a service's database up to its SQL files, one instance at a time: migrations (`NNN.do.name.sql`),
 * each applied once by postgrator, then functions, whose files are run again when they change.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Postgrator from "postgrator";
import { StartupError } from "../process/config.ts";
import { retryLostTransaction, type Sql } from "./database.ts";

/** The database that scripts run on: PostgreSQL through the pool here, PGlite in tests of SQL. */
export interface MigrationTarget {
  /** Runs one statement or a script of several. Returns the rows of the last one. */
  exec(script: string): Promise<{ rows: Record<string, unknown>[] }>;
}

/** The places of a service's SQL files. */
export interface DatabaseFiles {
  /** The folder of migrations. */
  migrations: string;
  /** The folder of functions (create-functions.sql), if the service has any. */
  functions?: string;
  /** A folder of functions that services share. All files are run in the order of their names. */
  sharedFunctions?: string;
  /**
   * The tables that running instances lock, in their order. They are locked in this order before the first
   * missing migration. Migrations alone would lock them in another order, and nearly every migration would
   * deadlock on a busy database.
   */
  lockOrder?: readonly string[];
}

const CREATE_FUNCTIONS = new URL("create-functions.sql", import.meta.url);
/** The functions that every service's database has. */
export const KIT_FUNCTIONS = fileURLToPath(new URL("functions", import.meta.url));

/**
 * Any constant will do if all instances of a service use the same one. It is "teranga" on a telephone keypad.
 */
const ADVISORY_LOCK = 8_372_642;
/** How long an instance waits for another one that is migrating. */
const LOCK_TIMEOUT = "60s";

/**
 * SQLSTATE. Most likely it is an extension, which needs the right CREATE on the database
 * (docs/configuration.md).
 */
const INSUFFICIENT_PRIVILEGE = "42501";

/** SQLSTATEs: a deadlock, a serialization failure, a lock that was not granted in time. */
const OTHERS_IN_THE_WAY = ["40P01", "40001", "55P03"];

/**
 * Brings the database up to the files in one transaction: migrations, functions, the records of both, and the
 * lock that makes instances wait for the first one. So a start that is killed has changed nothing and leaves
 * no lock. Instances of the version before keep running. If PostgreSQL ends the migration in favour of one of
 * them, it is run again.
 * @throws StartupError if the database cannot be reached, is from before the first release, or is
 * locked by others for too long; Error if the file of an applied migration was changed (its checksum
 * differs), or if a script failed
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
    // This is the service's first connection, so the operator has to correct what is wrong with it.
    const reason = message.split("\n")[0];
    throw new StartupError(`DATABASE_URL: no connection: ${reason}`, { cause: error });
  }
}

/** Applies migrations and functions, in the target's own transaction. */
export async function applySqlFiles(
  target: MigrationTarget,
  { migrations, functions, sharedFunctions, lockOrder = [] }: DatabaseFiles,
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
  // An older instance that starts again leaves the newer functions as they are.
  if (version <= newest) await createFunctions(target, [KIT_FUNCTIONS, sharedFunctions, functions]);
}

/**
 * A database from before the first release has no record of functions: every version
 * of a function was a migration.
 */
async function refuseUnreleased(target: MigrationTarget): Promise<void> {
  const { rows } = await target.exec("select where to_regclass('function_file') is null");
  if (rows.length > 0)
    throw new StartupError(
      "DATABASE_URL: the database is from before the first release, whose tables no migration leads to; use a new" +
        " one (`npm run reset` deletes those of `npm start`)",
    );
}

/** Runs the function files that have changed. */
async function createFunctions(
  target: MigrationTarget,
  directories: readonly (string | undefined)[],
): Promise<void> {
  const files = (await Promise.all(directories.map(readScripts))).flat();
  const literal = `'${JSON.stringify(files).replaceAll("'", "''")}'`;
  const script = await readFile(CREATE_FUNCTIONS, "utf8");
  await target.exec(`select set_config('teranga.function_files', ${literal}, true); ${script}`);
}

async function readScripts(directory: string | undefined): Promise<{ name: string; script: string }[]> {
  const names = directory === undefined ? [] : await readdir(directory);
  return Promise.all(
    names.map(async (name) => ({ name, script: await readFile(join(directory!, name), "utf8") })),
  );
}

/** Locks the tables that exist so far. */
async function lockTables(target: MigrationTarget, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const { rows } = await target.exec(`select where to_regclass('${name}') is not null`);
    if (rows.length > 0) await target.exec(`lock table ${name} in access exclusive mode`);
  }
}
