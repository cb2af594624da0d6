/** Migrations on a real server: a start that ends anywhere can be repeated, and says what it has failed on. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { type Database, openDatabase } from "./database.ts";
import { migrate } from "./migrate.ts";

const NAME = "kit_migrate";
let server: Database;
let database: Database;
let directory: string;

beforeAll(async () => {
  server = openDatabase({ url: inject("postgresUrl"), applicationName: "test", connections: 1 });
  await server.sql`create database ${server.sql(NAME)}`;
  const url = inject("postgresUrl").replace(/\/postgres$/, `/${NAME}`);
  database = openDatabase({ url, applicationName: "test", connections: 2 });
  directory = await mkdtemp(join(tmpdir(), "teranga-migrate-"));
  await writeFile(join(directory, "001.do.first.sql"), "create table first (id integer);");
  await writeFile(join(directory, "002.do.second.sql"), "create table second (id integer);");
});
afterAll(async () => {
  await database.close();
  await server.sql`drop database ${server.sql(NAME)}`;
  await server.close();
  await rm(directory, { recursive: true });
});

const applied = async () =>
  (
    await database.sql<{ version: number }[]>`select version from schema_version where version > 0 order by 1`
  ).map(({ version }) => version);

test("a start that fails between a migration and its record has done nothing, and the next one goes on", async () => {
  // The table as postgrator makes it, which does not take the record of the second migration.
  await database.sql.unsafe(`
    create table schema_version (version bigint primary key, name text, md5 text, run_at timestamptz);
    insert into schema_version (version) values (0);
    alter table schema_version add constraint no_second check (version <> 2);`);
  await expect(migrate(database.sql, directory)).rejects.toMatchObject({ constraint_name: "no_second" });
  expect(await applied()).toEqual([]);
  expect(await database.sql`select to_regclass('second') as "table"`).toEqual([{ table: null }]);

  await database.sql`alter table schema_version drop constraint no_second`;
  await migrate(database.sql, directory);
  expect(await applied()).toEqual([1, 2]);
});

/** A way to the server that is cut when this is said on it. @returns its URL, and how it is closed */
async function wireCutAt(words: string) {
  const url = new URL(inject("postgresUrl").replace(/\/postgres$/, `/${NAME}`));
  const [host, port] = [url.hostname, Number(url.port)];
  const wire = createServer((client) => {
    const upstream = connect(port, host);
    client.pipe(upstream).pipe(client);
    client.on("data", (said) => {
      if (said.includes(words)) for (const end of [client, upstream]) end.destroy();
    });
    for (const end of [client, upstream]) end.on("error", () => {});
  });
  await new Promise<void>((resolve) => wire.listen(0, "127.0.0.1", resolve));
  url.port = String((wire.address() as AddressInfo).port);
  return { url: url.href, close: () => wire.close() };
}

test.each([
  ["whose connection is cut", "select 'cut here'"],
  ["that the server ends", "select pg_terminate_backend(pg_backend_pid())"],
])("a migration %s fails the start, and nothing else", async (_, script) => {
  const wire = await wireCutAt("cut here");
  const away = openDatabase({ url: wire.url, applicationName: "test", connections: 1 });
  try {
    await writeFile(join(directory, "003.do.third.sql"), `${script};`);
    // The server's last words come before the end of the connection, or are cut off by it.
    const code = expect.stringMatching(/^(CONNECTION_CLOSED|57P01)$/);
    await expect(migrate(away.sql, directory)).rejects.toMatchObject({ code });
    // What the driver does behind our back, it does by then.
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  } finally {
    // The driver would wait 5 s for an answer that cannot come.
    void away.close();
    wire.close();
    await rm(join(directory, "003.do.third.sql"));
  }
});

test("a migration that loses against running transactions is run again, five times a start", async () => {
  const script = join(directory, "003.do.third.sql");
  // What a sequence has given is not rolled back.
  await database.sql.unsafe("create sequence tries");
  await writeFile(
    script,
    `do $$ begin
      if nextval('tries') <= 6 then raise exception 'deadlock detected' using errcode = 'deadlock_detected'; end if;
    end $$;`,
  );
  try {
    await expect(migrate(database.sql, directory)).rejects.toThrow(
      "DATABASE_URL: the migration was kept from its tables by others: deadlock detected",
    );
    expect(await applied()).toEqual([1, 2]);
    await migrate(database.sql, directory);
    expect(await applied()).toEqual([1, 2, 3]);
    expect(await database.sql`select last_value from tries`).toEqual([{ last_value: 7 }]);
  } finally {
    await database.sql`delete from schema_version where version = 3`;
    await rm(script);
  }
});

test("an applied migration that was changed since is refused", async () => {
  await writeFile(join(directory, "001.do.first.sql"), "create table other (id integer);");
  await expect(migrate(database.sql, directory)).rejects.toThrow(/MD5 checksum failed for migration \[1\]/);
});

test("a role that may not make an extension is told so; one that owns its database may", async () => {
  const extensions = await mkdtemp(join(tmpdir(), "teranga-migrate-"));
  await writeFile(join(extensions, "001.do.search.sql"), "create extension if not exists pg_trgm;");
  const name = `${NAME}_plain`;
  await server.sql.unsafe(`create role ${name} login password 'plain'`);
  await server.sql.unsafe(`create database ${name}`);
  const url = new URL(inject("postgresUrl"));
  Object.assign(url, { username: name, password: "plain", pathname: `/${name}` });
  const plain = openDatabase({ url: url.href, applicationName: "test", connections: 1 });
  try {
    await expect(migrate(plain.sql, extensions)).rejects.toThrow(
      /^DATABASE_URL: its role may not .* permission denied/,
    );
    await server.sql.unsafe(`alter database ${name} owner to ${name}`);
    await migrate(plain.sql, extensions);
  } finally {
    await plain.close();
    await server.sql.unsafe(`drop database ${name}`);
    await server.sql.unsafe(`drop role ${name}`);
    await rm(extensions, { recursive: true });
  }
});
