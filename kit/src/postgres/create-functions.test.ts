/** Files of SQL functions on a real server: changed files are run again, beside working instances. */
import { expect, test } from "vitest";
import { returning, useSqlFiles } from "../../test/sql-files.ts";
import { migrate } from "./migrate.ts";

const used = useSqlFiles("kit_create_functions");

test("functions of a file that was changed are created anew, those of others are not touched", async () => {
  await migrate(used.sql, used.files);
  const before = await used.functions();
  await used.write("functions/2-two.sql", returning("two", 22) + returning("three", 3));
  await migrate(used.sql, used.files);
  const after = await used.functions();
  expect(after.one).toBe(before.one);
  expect([await used.call("one"), await used.call("two"), await used.call("three")]).toEqual([1, 22, 3]);
  await migrate(used.sql, used.files);
  expect(await used.functions()).toEqual(after);
});

test("functions that have left the files stay until the next change, for the version before", async () => {
  await migrate(used.sql, used.files);
  await used.remove("functions/2-two.sql");
  await migrate(used.sql, used.files);
  await migrate(used.sql, used.files);
  expect(await used.call("two")).toBe(2);
  await used.write("functions/1-one.sql", returning("one", 11));
  await migrate(used.sql, used.files);
  expect(Object.keys(await used.functions())).toEqual(["one"]);
});

test("functions may move to another file, and come back after they have left", async () => {
  await migrate(used.sql, used.files);
  await used.write("functions/1-one.sql", "select 1;");
  await used.write("functions/2-two.sql", returning("one", 1) + returning("two", 2));
  await migrate(used.sql, used.files);
  await used.write("functions/1-one.sql", "select 2;");
  await migrate(used.sql, used.files);
  expect([await used.call("one"), await used.call("two")]).toEqual([1, 2]);
  await used.write("functions/2-two.sql", returning("two", 2));
  await migrate(used.sql, used.files);
  await used.write("functions/2-two.sql", returning("one", 1) + returning("two", 2));
  await migrate(used.sql, used.files);
  expect([await used.call("one"), await used.call("two")]).toEqual([1, 2]);
});

test("functions may get another result or other names, beside one that a trigger uses", async () => {
  const guard = (answer: string) =>
    `create or replace function guard() returns trigger language plpgsql as 'begin return ${answer}; end';`;
  const named = (parameter: string, type: string) =>
    `create or replace function named(${parameter} integer) returns ${type} language sql return ${parameter};`;
  await used.write(
    "migrations/003.do.trigger.sql",
    `create function guard() returns trigger language plpgsql as 'begin end';
     create trigger guarded before insert on first for each row execute function guard();`,
  );
  await used.write("functions/1-one.sql", guard("new") + named("a", "integer"));
  await migrate(used.sql, used.files);
  await used.write("functions/1-one.sql", guard("null") + named("b", "bigint"));
  await migrate(used.sql, used.files);
  expect(await used.sql`select named(b => 7), pg_typeof(named(7))::text as type`).toEqual([
    { named: 7, type: "bigint" },
  ]);
  expect(await used.sql`insert into first values (1) returning id`).toEqual([]);
  await used.write("functions/1-one.sql", "select 1;");
  await migrate(used.sql, used.files);
  await used.write("functions/1-one.sql", "select 2;");
  await migrate(used.sql, used.files);
  expect(Object.keys(await used.functions()).sort()).toEqual(["guard", "two"]);
});

test("functions change beside an instance of the version before, which waits for nothing and goes on", async () => {
  const locking = (value: number) => `
    create or replace function one() returns integer language plpgsql as $$
    begin perform from first for update; return ${value}; end $$;`;
  await used.write("functions/1-one.sql", locking(1));
  await migrate(used.sql, used.files);
  await used.sql`insert into first values (1)`;
  const starting = used.open();
  try {
    await used.sql.begin(async (running) => {
      expect(await running`select one() as value`).toEqual([{ value: 1 }]);
      await used.write("functions/1-one.sql", locking(11));
      await migrate(starting.sql, used.files);
      // A running transaction may still see the old function, or the new one.
      expect((await running`select one() as value`)[0]!.value).toBeOneOf([1, 11]);
    });
  } finally {
    await starting.close();
  }
  expect(await used.call("one")).toBe(11);
});

test("functions stay as they are when an instance starts that has fewer migrations", async () => {
  await migrate(used.sql, used.files);
  await used.remove("migrations/002.do.second.sql");
  await used.write("functions/1-one.sql", returning("one", 0));
  await migrate(used.sql, used.files);
  expect(await used.call("one")).toBe(1);
});

test("functions that cannot be created fail the start, and nothing else", async () => {
  await used.write(
    "functions/1-one.sql",
    "create or replace function one() returns integer language sql return nothing;",
  );
  await expect(migrate(used.sql, used.files)).rejects.toThrow(/column "nothing" does not exist/);
  expect(await used.tables()).toEqual([]);
});

test("a role that may not create tables starts a service whose database is up to date", async () => {
  await migrate(used.sql, used.files);
  await used.sql.unsafe(`
    drop role if exists no_creator; create role no_creator;
    revoke create on schema public from public;
    grant usage on schema public to no_creator;
    grant all on all tables in schema public to no_creator`);
  const limited = used.open();
  try {
    await limited.sql`set role no_creator`;
    await migrate(limited.sql, used.files);
  } finally {
    await limited.close();
    await used.sql.unsafe("drop owned by no_creator; drop role no_creator");
  }
});

test("the schema's name may need quotes", async () => {
  const named = used.open();
  try {
    await named.sql.unsafe(`create schema "Teranga-Dakar"; set search_path to "Teranga-Dakar"`);
    await migrate(named.sql, used.files);
    expect(await named.sql`select one()`).toEqual([{ one: 1 }]);
  } finally {
    await named.sql.unsafe(`drop schema "Teranga-Dakar" cascade`);
    await named.close();
  }
});
