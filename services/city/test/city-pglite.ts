/**
 * PostgreSQL in the process (PGlite) with a city's tables. `initdb` and the migrations take five seconds of a processor, a copy one: so
 * instances are kept for the next test file.
 */
import { PGlite } from "@electric-sql/pglite";
import { pg_trgm } from "@electric-sql/pglite/contrib/pg_trgm";
import { applyMigrations } from "@teranga/kit/migrate.ts";
import { MIGRATIONS } from "../src/database.ts";

let template: Promise<Blob> | undefined;
/** By city: a database is one city's for good. */
const idle = new Map<string, PGlite[]>();
const extensions = { pg_trgm };

/** Its rows are what was left in it. */
export async function takeCityPGlite(cityId: string): Promise<PGlite> {
  template ??= makeTemplate();
  return idle.get(cityId)?.pop() ?? (await PGlite.create({ extensions, loadDataDir: await template }));
}

/** For the next one: the tables must be as they were. */
export function giveBack(cityId: string, db: PGlite): void {
  idle.set(cityId, [...(idle.get(cityId) ?? []), db]);
}

async function makeTemplate(): Promise<Blob> {
  const db = await PGlite.create({ extensions });
  await applyMigrations(
    { exec: async (script) => ({ rows: (await db.exec(script)).at(-1)?.rows ?? [] }) },
    MIGRATIONS,
  );
  const data = await db.dumpDataDir("none");
  await db.close();
  return data;
}
