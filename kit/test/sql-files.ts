/** An empty database, and folders with the SQL files of CONTENT. Both are made anew for each test. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, inject } from "vitest";
import { type Database, openDatabase, type Sql } from "../src/postgres/database.ts";

export interface SqlFiles {
  sql: Sql;
  url: string;
  /** A pool to another database, which administers the server. */
  server: Sql;
  files: { migrations: string; functions: string };
  /** Another instance's pool. */
  open(): Database;
  /** Names include their folder: `migrations/001.do.first.sql`. */
  write(name: string, text: string): Promise<void>;
  remove(name: string): Promise<void>;
  /** The versions of the applied migrations. */
  applied(): Promise<number[]>;
  tables(): Promise<string[]>;
  /** The existing functions by name, as last written, without those that every database has. */
  functions(): Promise<Record<string, string>>;
  call(name: string): Promise<unknown>;
}

export const returning = (name: string, value: number) =>
  `create or replace function ${name}() returns integer language sql return ${value};`;

/** Two migrations that make a table each, and two files with a function each. */
const CONTENT = {
  "migrations/001.do.first.sql": "create table first (id integer);",
  "migrations/002.do.second.sql": "create table second (id integer);",
  "functions/1-one.sql": returning("one", 1),
  "functions/2-two.sql": returning("two", 2),
};

/** Call it at the top of a test file. Its result holds what each test uses. */
export function useSqlFiles(name: string): SqlFiles {
  const used = {} as SqlFiles;
  let server: Database;
  let database: Database;
  let directory: string;

  beforeAll(async () => {
    server = openDatabase({ url: inject("postgresUrl"), applicationName: "test", connections: 1 });
    await server.sql`create database ${server.sql(name)}`;
    const url = inject("postgresUrl").replace(/\/postgres$/, `/${name}`);
    const open = (connections = 1) => openDatabase({ url, applicationName: "test", connections });
    database = open(2);
    Object.assign(used, { url, open, sql: database.sql, server: server.sql, ...looksAt(database.sql) });
  });
  afterAll(async () => {
    await database.close();
    // Connections that a test has cut may still exist.
    await server.sql`drop database ${server.sql(name)} with (force)`;
    await server.close();
  });

  beforeEach(async () => {
    await database.sql.unsafe("drop schema public cascade; create schema public");
    directory = await mkdtemp(join(tmpdir(), "teranga-sql-"));
    used.files = { migrations: join(directory, "migrations"), functions: join(directory, "functions") };
    for (const folder of Object.values(used.files)) await mkdir(folder);
    used.write = (file, text) => writeFile(join(directory, file), text);
    used.remove = (file) => rm(join(directory, file));
    for (const [file, text] of Object.entries(CONTENT)) await used.write(file, text);
  });
  afterEach(() => rm(directory, { recursive: true }));
  return used;
}

function looksAt(sql: Sql): Pick<SqlFiles, "applied" | "tables" | "functions" | "call"> {
  return {
    applied: async () =>
      (await sql`select version from schema_version where version > 0 order by 1`).map(
        ({ version }) => version,
      ),
    tables: async () =>
      (await sql`select tablename as name from pg_tables where schemaname = 'public' order by 1`).map(
        ({ name }) => name,
      ),
    async functions() {
      const rows = await sql`
        select proname as name, xmin::text || prosrc || coalesce(pg_get_function_sqlbody(oid), '') as text
        from pg_proc where pronamespace = 'public'::regnamespace and proname <> 'wal_position'`;
      return Object.fromEntries(rows.map(({ name, text }) => [name, text]));
    },
    call: async (name) => (await sql.unsafe(`select ${name}() as value`))[0]!.value,
  };
}
