/**
 * Goal: a request's SQL ends at its deadline, as a whole, and no other request pays for it. Method: on a real
 * PostgreSQL, statements that wait for a row that another transaction holds.
 */
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { withDeadline } from "../http/deadline.ts";
import { type Database, openDatabase } from "./database.ts";

const NAME = "statement_deadline";
const EXCEEDED = { extensions: { code: "DEADLINE_EXCEEDED" } };

let holder: Database;
let database: Database;
beforeAll(async () => {
  const server = openDatabase({ url: inject("postgresUrl"), applicationName: "test", connections: 1 });
  await server.sql`create database ${server.sql(NAME)}`;
  await server.close();
  const url = inject("postgresUrl").replace(/\/postgres$/, `/${NAME}`);
  holder = openDatabase({ url, applicationName: "holder", connections: 2 });
  database = openDatabase({ url, applicationName: "under test", connections: 1 });
  await database.sql`create table item (id int primary key, count int not null)`;
  await database.sql`insert into item select id, 0 from generate_series(1, 3) id`;
});
afterAll(async () => {
  await database.close();
  await holder.close();
  const server = openDatabase({ url: inject("postgresUrl"), applicationName: "test", connections: 1 });
  await server.sql`drop database ${server.sql(NAME)}`;
  await server.close();
});

/** Holds the lock of a row while `run` runs. */
async function holding<Result>(id: number, run: () => Promise<Result>): Promise<Result> {
  let result: Result;
  await holder.sql.begin(async (sql) => {
    await sql`update item set count = count where id = ${id}`;
    result = await run();
  });
  return result!;
}

const add = (id: number) => database.sql`update item set count = count + 1 where id = ${id}`;
const countOf = async (id: number) =>
  (await database.sql<{ count: number }[]>`select count from item where id = ${id}`)[0]!.count;
const backend = async () => (await database.sql`select pg_backend_pid() as pid`)[0]!.pid;

test("a statement that waits for a lock ends at the deadline, has changed nothing, and its connection serves the next", async () => {
  const before = await backend();
  const startMs = performance.now();
  await holding(1, () => withDeadline(300, () => expect(add(1)).rejects.toMatchObject(EXCEEDED)));
  const tookMs = performance.now() - startMs;
  expect(tookMs).toBeGreaterThan(290);
  expect(tookMs).toBeLessThan(2_000);
  expect(await countOf(1)).toBe(0);
  expect(await backend()).toBe(before);
});

test("a transaction is rolled back as a whole", async () => {
  const transaction = () =>
    database.sql.begin(async (sql) => {
      await sql`update item set count = count + 1 where id = 1`;
      await sql`update item set count = count + 1 where id = 2`;
    });
  await holding(2, () => withDeadline(300, () => expect(transaction()).rejects.toMatchObject(EXCEEDED)));
  expect([await countOf(1), await countOf(2)]).toEqual([0, 0]);
});

test("one that has time is not touched, nor one that belongs to no request", async () => {
  await withDeadline(10_000, () => add(3));
  const waiting = holding(3, async () => {
    const added = add(3).then(() => "added");
    expect(await Promise.race([added, holder.sql`select 1`.then(() => "waits")])).toBe("waits");
    return { added };
  });
  expect(await (await waiting).added).toBe("added");
  expect(await countOf(3)).toBe(2);
});

test("nothing is begun when nothing is left", async () => {
  await withDeadline(0, () => expect(add(3)).rejects.toMatchObject(EXCEEDED));
  expect(await countOf(3)).toBe(2);
});

test("those who wait behind a statement that is cancelled get their own answers", async () => {
  const behind = await holding(1, async () => {
    const late = withDeadline(200, () => expect(add(1)).rejects.toMatchObject(EXCEEDED));
    const numbers = Array.from({ length: 20 }, (_, index) =>
      withDeadline(5_000, () =>
        database.sql<{ number: number }[]>`select ${index}::int as number`.then(([row]) => row!.number),
      ),
    );
    // These become overdue while they wait for the connection. Whatever happens to them
    // must affect no other statement.
    const overdue = Array.from({ length: 5 }, () =>
      withDeadline(100, () =>
        add(3).then(
          () => "done",
          () => "cancelled",
        ),
      ),
    );
    await late;
    return { numbers: await Promise.all(numbers), overdue: await Promise.all(overdue) };
  });
  expect(behind.numbers).toEqual(Array.from({ length: 20 }, (_, index) => index));
  const done = behind.overdue.filter((end) => end === "done").length;
  expect(await countOf(3)).toBe(2 + done);
});

test("fragments and lists go into a statement as ever", async () => {
  const { sql } = database;
  const rows = await withDeadline(1_000, () => {
    const columns = sql`id, count`;
    return sql`select ${columns} from item where id in ${sql([1, 2])} order by id`;
  });
  expect(rows.map(({ id }) => id)).toEqual([1, 2]);
});

test("a server that is away fails a statement as ever, and later ones are served when it is back", async () => {
  const gone = openDatabase({
    url: "postgres://nobody@127.0.0.1:9/none",
    applicationName: "gone",
    connections: 1,
  });
  await withDeadline(200, () => expect(gone.sql`select 1`).rejects.toThrow());
  await gone.close();
});
