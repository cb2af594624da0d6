/** SQL files on a real server: a start that ends anywhere can be repeated, and says what it failed on. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, inject, test } from "vitest";
import { returning, useSqlFiles } from "../../test/sql-files.ts";
import { openDatabase } from "./database.ts";
import { migrate } from "./migrate.ts";

const NAME = "kit_migrate";
const used = useSqlFiles(NAME);

/**
 * A connection to the server that is cut when these words pass.
 * @returns its URL, and a function that closes it
 */
async function wireCutAt(words: string) {
  const url = new URL(used.url);
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

/** Starts over a connection that is cut when these words pass. The start must fail. */
async function startCutAt(words: string): Promise<void> {
  const wire = await wireCutAt(words);
  const away = openDatabase({ url: wire.url, applicationName: "test", connections: 1 });
  try {
    // The server's last message arrives before the connection ends, or is cut off with it.
    const code = expect.stringMatching(/^(CONNECTION_CLOSED|57P01)$/);
    await expect(migrate(away.sql, used.files)).rejects.toMatchObject({ code });
    // By then the driver's own delayed work is done.
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  } finally {
    // The driver would wait 5 s for an answer that cannot come.
    void away.close();
    wire.close();
  }
}

describe("a start that ends", () => {
  test("between a migration and its record has done nothing, and the next one goes on", async () => {
    // The table that postgrator makes, with a rule that refuses the record of the second migration.
    await used.sql.unsafe(`
      create table schema_version (version bigint primary key, name text, md5 text, run_at timestamptz);
      insert into schema_version (version) values (0);
      alter table schema_version add constraint no_second check (version <> 2);`);
    await expect(migrate(used.sql, used.files)).rejects.toMatchObject({ constraint_name: "no_second" });
    expect(await used.applied()).toEqual([]);
    expect(await used.tables()).toEqual(["schema_version"]);

    await used.sql`alter table schema_version drop constraint no_second`;
    await migrate(used.sql, used.files);
    expect(await used.applied()).toEqual([1, 2]);
  });

  test("between a function and its record has done nothing, and the next one goes on", async () => {
    await migrate(used.sql, used.files);
    const before = await used.functions();
    await used.sql`alter table function_file add constraint no_change check (digest is null) not valid`;
    await used.write("functions/1-one.sql", returning("one", 11));
    await used.write("migrations/003.do.third.sql", "create table third (id integer);");
    await expect(migrate(used.sql, used.files)).rejects.toMatchObject({ constraint_name: "no_change" });
    expect(await used.functions()).toEqual(before);
    expect(await used.applied()).toEqual([1, 2]);

    await used.sql`alter table function_file drop constraint no_change`;
    await migrate(used.sql, used.files);
    expect(await used.call("one")).toBe(11);
    expect(await used.applied()).toEqual([1, 2, 3]);
  });

  test.each([
    "pg_advisory_xact_lock",
    "create table first",
    "create table second",
    "function_files",
    "cut here",
  ])("at «%s», because its connection is cut, has done nothing", async (words) => {
    await used.write("functions/3-three.sql", `${returning("three", 3)} /* cut here */`);
    await startCutAt(words);
    expect(await used.tables()).toEqual([]);
    expect(await used.functions()).toEqual({});
    await migrate(used.sql, used.files);
    expect([await used.applied(), await used.call("three")]).toEqual([[1, 2], 3]);
  });

  test("because the server ends its connection has done nothing", async () => {
    await used.write("migrations/003.do.third.sql", "select pg_terminate_backend(pg_backend_pid());");
    await startCutAt("never said");
    expect(await used.tables()).toEqual([]);
  });

  test("on its commit has done all or nothing", async () => {
    await startCutAt("\0commit\0");
    await migrate(used.sql, used.files);
    expect([await used.applied(), await used.call("one"), await used.call("two")]).toEqual([[1, 2], 1, 2]);
  });
});

test("a migration that loses against running transactions is run again, five times a start", async () => {
  // A sequence's values are not rolled back.
  await used.sql.unsafe("create sequence tries");
  await used.write(
    "migrations/003.do.third.sql",
    `do $$ begin
      if nextval('tries') <= 6 then raise exception 'deadlock detected' using errcode = 'deadlock_detected'; end if;
    end $$;`,
  );
  await expect(migrate(used.sql, used.files)).rejects.toThrow(
    "DATABASE_URL: the migration was kept from its tables by others: deadlock detected",
  );
  expect(await used.tables()).toEqual([]);
  await migrate(used.sql, used.files);
  expect(await used.applied()).toEqual([1, 2, 3]);
  expect(await used.sql`select last_value from tries`).toEqual([{ last_value: 7 }]);
});

test("an applied migration that was changed since is refused", async () => {
  await migrate(used.sql, used.files);
  await used.write("migrations/001.do.first.sql", "create table other (id integer);");
  await expect(migrate(used.sql, used.files)).rejects.toThrow(/MD5 checksum failed for migration \[1\]/);
});

test("a database from before the first release is told, and left as it is", async () => {
  await migrate(used.sql, used.files);
  await used.sql`drop table function_file, function_of_file`;
  const before = await used.tables();
  await used.write("migrations/001.do.first.sql", "create table all_in_one (id integer);");
  await used.remove("migrations/002.do.second.sql");
  await expect(migrate(used.sql, used.files)).rejects.toThrow(
    /^DATABASE_URL: .* before the first release.*`npm run reset`/,
  );
  expect(await used.tables()).toEqual(before);
});

test("two instances that start together run each file once", async () => {
  await used.write("migrations/003.do.runs.sql", "create table run (file text);");
  await used.write("functions/1-one.sql", `${returning("one", 1)} insert into run values ('one');`);
  const other = used.open();
  try {
    await Promise.all([migrate(used.sql, used.files), migrate(other.sql, used.files)]);
    await used.write("functions/2-two.sql", `${returning("two", 22)} insert into run values ('two');`);
    await Promise.all([migrate(other.sql, used.files), migrate(used.sql, used.files)]);
  } finally {
    await other.close();
  }
  expect(await used.sql`select file from run`).toEqual([{ file: "one" }, { file: "two" }]);
  expect([await used.applied(), await used.call("two")]).toEqual([[1, 2, 3], 22]);
});

test("a role that may not make an extension is told so; one that owns its database may", async () => {
  const extensions = await mkdtemp(join(tmpdir(), "teranga-migrate-"));
  await writeFile(join(extensions, "001.do.search.sql"), "create extension if not exists pg_trgm;");
  const name = `${NAME}_plain`;
  await used.server.unsafe(`create role ${name} login password 'plain'`);
  await used.server.unsafe(`create database ${name}`);
  const url = new URL(inject("postgresUrl"));
  Object.assign(url, { username: name, password: "plain", pathname: `/${name}` });
  const plain = openDatabase({ url: url.href, applicationName: "test", connections: 1 });
  try {
    await expect(migrate(plain.sql, { migrations: extensions })).rejects.toThrow(
      /^DATABASE_URL: its role may not .* permission denied/,
    );
    await used.server.unsafe(`alter database ${name} owner to ${name}`);
    await migrate(plain.sql, { migrations: extensions });
  } finally {
    await plain.close();
    await used.server.unsafe(`drop database ${name}`);
    await used.server.unsafe(`drop role ${name}`);
    await rm(extensions, { recursive: true });
  }
});
