/** The catalog's database. */
import { fileURLToPath } from "node:url";
import { OUTBOX_FUNCTIONS } from "@teranga/kit/outbox/outbox.ts";
import type { Sql } from "@teranga/kit/postgres/database.ts";
import { type DatabaseFiles, migrate } from "@teranga/kit/postgres/migrate.ts";

const folder = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url));

export const CATALOG_FILES: DatabaseFiles = {
  migrations: folder("migrations"),
  functions: folder("functions"),
  sharedFunctions: OUTBOX_FUNCTIONS,
};

/**
 * Migrates the catalog's database to the newest version. Instances that start together wait for one another.
 */
export async function prepareCatalogDatabase(sql: Sql): Promise<void> {
  await migrate(sql, CATALOG_FILES);
}
