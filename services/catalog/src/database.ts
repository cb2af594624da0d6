/** The catalog's database. */
import { fileURLToPath } from "node:url";
import type { Sql } from "@teranga/kit/postgres/database.ts";
import { type DatabaseFiles, migrate } from "@teranga/kit/postgres/migrate.ts";

export const CATALOG_FILES: DatabaseFiles = {
  migrations: fileURLToPath(new URL("../migrations", import.meta.url)),
};

/**
 * Migrates the catalog's database to the newest version. Instances that start together wait for one another.
 */
export async function prepareCatalogDatabase(sql: Sql): Promise<void> {
  await migrate(sql, CATALOG_FILES);
}
