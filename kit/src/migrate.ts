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

/**
 * Brings the database to the newest version in `directory`. Instances that start at the same time wait for the first.
 * Each migration is one transaction.
 * @throws StartupError if the database cannot be reached; Error if an applied migration's file was changed since (its
 * checksum differs)
 */
export async function migrate(sql: Sql, directory: string): Promise<void> {
  const connection = await connect(sql);
  try {
    await connection`select set_config('lock_timeout', ${LOCK_TIMEOUT}, false), set_config('statement_timeout', '0', false)`;
    await connection`select pg_advisory_lock(${ADVISORY_LOCK})`;
    await applyMigrations(
      { exec: async (script) => ({ rows: await connection.unsafe(script).simple() }) },
      directory,
    );
  } finally {
    await connection`select pg_advisory_unlock_all()`;
    await connection`reset lock_timeout`;
    await connection`reset statement_timeout`;
    connection.release();
  }
}

/** The first connection of a service: what is wrong with it is the operator's to mend. */
async function connect(sql: Sql) {
  try {
    return await sql.reserve();
  } catch (error) {
    throw new StartupError(`DATABASE_URL: no connection: ${(error as Error).message.split("\n")[0]}`, {
      cause: error,
    });
  }
}

/** Applies the migrations without taking a lock. */
export async function applyMigrations(target: MigrationTarget, directory: string): Promise<void> {
  const postgrator = new Postgrator({
    driver: "pg",
    migrationPattern: `${directory}/*.do.*.sql`,
    schemaTable: "schema_version",
    execQuery: (query) => target.exec(query),
    execSqlScript: async (script) => {
      await target.exec(`begin;\n${script}\n;commit;`);
    },
  });
  await postgrator.migrate();
}
