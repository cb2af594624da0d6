/**
 * An in-process PostgreSQL (PGlite) with a city's tables. Instances are kept for the next test file, and
 * emptied instead of made anew.
 */
import type { PGlite } from "@electric-sql/pglite";
import { CITY_FILES } from "@teranga/protocol/city/sql-files.ts";
import { openClusters } from "../../../kit/test/kept-cluster.ts";

/** By city, since a database belongs to one city for good. */
const idle = new Map<string, PGlite[]>();

/** The database still holds the rows that were left in it. */
export async function takeCityPGlite(cityId: string): Promise<PGlite> {
  const kept = idle.get(cityId)?.pop();
  if (kept) return kept;
  const [made] = await openClusters(1, { files: CITY_FILES, extra: EMPTYING, keptAs: "city" });
  return made!;
}

/** Keeps the database for the next test file. Its tables must be unchanged. */
export function giveBack(cityId: string, db: PGlite): void {
  idle.set(cityId, [...(idle.get(cityId) ?? []), db]);
}

/**
 * Makes `empty_city()`, which deletes all rows in one statement. The foreign keys are checked at its end. The
 * rule that some rows are never deleted is suspended meanwhile. Truncating would take 100 ms of CPU time for
 * each test, because it makes new files for every table and index and discards all plans.
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
