/** A database with a followed table, `thing (id, text)` of the type `Thing`. Made anew for each test. */
import { beforeEach } from "vitest";
import { OUTBOX_FUNCTIONS } from "../src/outbox/outbox.ts";
import { migrate } from "../src/postgres/migrate.ts";
import { type SqlFiles, useSqlFiles } from "./sql-files.ts";

export function useFollowedTable(name: string): SqlFiles {
  const used = useSqlFiles(name);
  beforeEach(async () => {
    await used.write("migrations/003.do.thing.sql", "create table thing (id text primary key, text text);");
    await used.write("functions/3-followed.sql", "select follow_changes('thing', 'Thing', 'id');");
    await migrate(used.sql, { ...used.files, sharedFunctions: OUTBOX_FUNCTIONS });
  });
  return used;
}
