/** The catalog's database. */
import { fileURLToPath } from "node:url";
import type { Sql } from "@teranga/kit/database.ts";
import { migrate } from "@teranga/kit/migrate.ts";

/** The folder of the catalog's SQL migrations. */
export const MIGRATIONS = fileURLToPath(new URL("../migrations", import.meta.url));

/** Brings the catalog's database to the newest version. Instances that start together wait for one another. */
export async function prepareCatalogDatabase(sql: Sql): Promise<void> {
  await migrate(sql, MIGRATIONS);
}
