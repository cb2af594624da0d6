/**
 * PostgreSQL in the process (PGlite) with a city's tables. Instances are kept for the next test file, and emptied
 * rather than made anew.
 */
import type { PGlite } from "@electric-sql/pglite";
import { CITY_FILES } from "@teranga/protocol/city/sql-files.ts";
import { openClusters } from "../../../test/simulation/kept-cluster.ts";

/** By city: a database is one city's for good. */
const idle = new Map<string, PGlite[]>();

/** Its rows are what was left in it. */
export async function takeCityPGlite(cityId: string): Promise<PGlite> {
  const kept = idle.get(cityId)?.pop();
  if (kept) return kept;
  const [made] = await openClusters(1, { files: CITY_FILES, extra: EMPTYING, keptAs: "city" });
  return made!;
}

/** For the next one: the tables must be as they were. */
export function giveBack(cityId: string, db: PGlite): void {
  idle.set(cityId, [...(idle.get(cityId) ?? []), db]);
}

/**
 * Makes \`empty_city()\`, which deletes all rows in one statement, at whose end the foreign keys are looked at. Rows
 * that are never deleted are for its time. Truncating instead takes 100 ms of a processor, at each test: files are
 * made for every table and index, and all plans are made again.
 */
const EMPTYING = `
  do $do$
  declare
    exempt constant text :=
      'begin if current_setting(''test.is_emptying'', true) = ''true'' then return old; end if;';
    emptied text;
  begin
    execute regexp_replace(pg_get_functiondef('refuse_change'::regproc), 'begin', exempt);
    select string_agg(format('_%s as (delete from %I)', number, tablename), ', ') into emptied
    from (
      select row_number() over () as number, tablename from pg_tables
      where schemaname = 'public' and tablename not in ('schema_version', 'function_file', 'function_of_file', 'fragment')
    ) as tables;
    execute format(
      $format$ create function empty_city() returns void language sql set test.is_emptying = 'true'
        as 'with %s select' $format$, emptied);
  end $do$`;
