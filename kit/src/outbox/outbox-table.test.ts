/**
 * Goal: what is read from the outbox is what was committed, each change once, whoever writes and however.
 * Method: a real server; readings between and during transactions.
 */

import { beforeEach, describe, expect, test } from "vitest";
import { useFollowedTable } from "../../test/followed-table.ts";
import { openDatabase, type Queryable, type Sql } from "../postgres/database.ts";
import { markLog, pruneOutbox, readOutbox } from "./outbox-table.ts";

const used = useFollowedTable("kit_outbox_table");

let snapshot: string;
/** What has become visible since the last call, in the order of the keys. */
async function changed(): Promise<unknown[]> {
  const reading = await readOutbox(used.sql, snapshot);
  snapshot = reading.snapshot;
  return reading.changes.map(({ type, key }) => (type === "Thing" ? key : { type, key })).sort();
}
beforeEach(async () => {
  ({ snapshot } = await readOutbox(used.sql, null));
});

const add = (sql: Queryable, ...ids: string[]) =>
  sql`insert into thing ${sql(ids.map((id) => ({ id, text: "new" })))}`;

describe("a change is recorded with its key", () => {
  beforeEach(async () => {
    await add(used.sql, "a", "b");
    await changed();
  });

  test.each([
    ["an insert of several", "insert into thing values ('c', ''), ('d', '')", ["c", "d"]],
    ["an update", "update thing set text = 'x' where id = 'a'", ["a"]],
    ["an update of the key", "update thing set id = 'c' where id = 'a'", ["a", "c"]],
    ["an update of nothing", "update thing set text = 'x' where id = 'z'", []],
    ["a delete", "delete from thing where id <> 'a'", ["b"]],
    ["a truncate", "truncate thing", [null]],
    [
      "an upsert",
      "insert into thing values ('a', ''), ('c', '') on conflict (id) do update set text = 'x'",
      ["a", "c"],
    ],
    [
      "a merge",
      "merge into thing using (values ('a'), ('b'), ('c')) as v (i) on id = i when matched and i = 'a' then delete when matched then update set text = 'x' when not matched then insert values (i, '')",
      ["a", "b", "c"],
    ],
    [
      "a cascade",
      "create table part (id text references thing on update cascade); insert into part values ('a'); select follow_changes('part', 'Part', 'id'); update thing set id = 'c' where id = 'a'",
      ["a", "c", { type: "Part", key: "a" }, { type: "Part", key: "c" }],
    ],
    [
      "a thousand rows",
      "insert into thing select 'n' || lpad(n::text, 4, '0'), '' from generate_series(1, 1000) as n",
      Array.from({ length: 1000 }, (_, index) => `n${String(index + 1).padStart(4, "0")}`),
    ],
    [
      "more than a thousand rows",
      "insert into thing select n, '' from generate_series(1, 1001) as n",
      [null],
    ],
    [
      "an update of more than a thousand rows",
      "alter table thing disable trigger outbox_insert; insert into thing select n, '' from generate_series(1, 1001) as n; alter table thing enable trigger outbox_insert; update thing set text = 'x'",
      [null],
    ],
    ["a key that is too long", "insert into thing values (repeat('k', 201), '')", [null]],
    [
      "a row that one transaction changes often",
      "update thing set text = 'x'; update thing set text = 'y'; delete from thing",
      ["a", "b"],
    ],
  ])("%s", async (_what, script, expected) => {
    await used.sql.begin((sql) => sql.unsafe(script).simple());
    expect(new Set(await changed())).toEqual(new Set(expected));
    expect(await changed()).toEqual([]);
  });

  test("whoever writes, without a right to the outbox", async () => {
    await used.sql`grant usage on schema public to public; grant insert on thing to public`.simple();
    await used.sql`create role nobody_special login`;
    try {
      await used.sql.begin(async (sql) => {
        await sql`set local role nobody_special`;
        await add(sql, "c");
      });
    } finally {
      await used.sql`drop owned by nobody_special; drop role nobody_special`.simple();
    }
    expect(await changed()).toEqual(["c"]);
  });

  test("a table of the writer's that has the outbox's name gets nothing", async () => {
    await used.sql.begin(async (sql) => {
      await sql`create temp table outbox (type text, key text) on commit drop`;
      await add(sql, "c");
      expect(await sql`select from pg_temp.outbox`).toHaveLength(0);
    });
    expect(await changed()).toEqual(["c"]);
  });

  test("what is rolled back is no change, whole or in part", async () => {
    await used.sql.begin(async (sql) => {
      await add(sql, "c");
      await sql
        .savepoint((inner) => add(inner, "d").then(() => Promise.reject(new Error("back"))))
        .catch(() => {});
      await sql.savepoint((inner) => add(inner, "e"));
    });
    await used.sql
      .begin((sql) => add(sql, "f").then(() => Promise.reject(new Error("back"))))
      .catch(() => {});
    expect(await changed()).toEqual(["c", "e"]);
  });
});

test("a column that is not there is refused", async () => {
  await expect(used.sql`select follow_changes('thing', 'Thing', 'key')`).rejects.toThrow(
    "thing has no column key",
  );
});

test("more than a thousand changes at once are told as changes of their types", async () => {
  await used.sql.unsafe(
    "do $$ begin for n in 1..1001 loop insert into thing values (n, ''); end loop; end $$",
  );
  expect(await changed()).toEqual([null]);
});

test("a read looks only at rows since the oldest transaction that it has not seen the end of", async () => {
  await used.sql`insert into outbox (type, key) select 'Thing', n::text from generate_series(1, 20000) as n`;
  await used.sql`analyze outbox`;
  // As if nothing were open: other tests use the same server, and an old transaction of theirs is in the way.
  const [{ seen }] = (await used.sql`
    select pg_snapshot_xmax(pg_current_snapshot()) || ':' || pg_snapshot_xmax(pg_current_snapshot()) || ':' as seen`) as unknown as [
    { seen: string },
  ];
  await add(used.sql, "a");
  const [plan] = await used.sql<{ "QUERY PLAN": [{ Plan: object }] }[]>`
    explain (format json) select type, key from outbox
    where xid >= pg_snapshot_xmin(${seen}::pg_snapshot) and not pg_visible_in_snapshot(xid, ${seen}::pg_snapshot)`;
  expect(plan!["QUERY PLAN"][0].Plan).toMatchObject({ "Node Type": expect.stringMatching(/^Index/) });
});

test("a mark is after every position that was told before, and the log has reached it", async () => {
  const flushed = async () =>
    (await used.sql`select (pg_current_wal_flush_lsn() - '0/0')::bigint as lsn`)[0]!.lsn as number;
  await add(used.sql, "a");
  const before = await flushed();
  const mark = await markLog(used.sql);
  expect(mark.timeline).toBe(1);
  expect(mark.lsn).toBeGreaterThan(before);
  expect(await flushed()).toBeGreaterThanOrEqual(mark.lsn);
});

test("only what a snapshot has seen is pruned, however old the others are", async () => {
  let seenBy = "";
  await used.sql.begin(async (open) => {
    await add(open, "open");
    const other = used.open();
    await add(other.sql, "committed");
    ({ snapshot: seenBy } = await readOutbox(other.sql, null));
    await other.close();
  });
  await add(used.sql, "later");
  expect(await pruneOutbox(used.sql, seenBy)).toBe(false);
  expect(await used.sql`select key from outbox order by key`).toEqual([{ key: "later" }, { key: "open" }]);
});

test("pruning goes on while there may be more", async () => {
  await used.sql`insert into outbox (type, key) select 'Thing', n::text from generate_series(1, 1500) as n`;
  const { snapshot: seenBy } = await readOutbox(used.sql, null);
  expect([await pruneOutbox(used.sql, seenBy), await pruneOutbox(used.sql, seenBy)]).toEqual([true, false]);
  expect(await used.sql`select from outbox`).toHaveLength(0);
});

type Read = (
  sql: Sql,
  since: string | null,
) => Promise<{ snapshot: string; changes: readonly { key: string | null }[] }>;

/** A cursor that is the greatest number seen: what nearly everybody writes first. */
const readById: Read = async (sql, since) => {
  const rows = await sql`select xid::text, key from outbox where xid > ${since ?? "0"}::xid8 order by xid`;
  return { snapshot: (rows.at(-1)?.xid as string) ?? since ?? "0", changes: rows as never };
};

/**
 * Writers with short and long transactions, some of which are rolled back, and one reader. The reader's list
 * says for each key which of its readings showed it. What a reading must show follows from what writers knew
 * when it began.
 */
async function readBesideWriters(read: Read): Promise<string[]> {
  const pool = openDatabase({ url: used.url, applicationName: "test", connections: 9 });
  const faults: string[] = [];
  const states = new Map<string, "open" | "committing" | "committed" | "rolled back">();
  const seen = new Set<string>();
  let cursor: string | null = (await read(pool.sql, null)).snapshot;
  const look = async () => {
    const due = [...states].filter(([, state]) => state === "committed").map(([key]) => key);
    const reading = await read(used.sql, cursor);
    cursor = reading.snapshot;
    for (const { key } of reading.changes) {
      if (seen.has(key!)) faults.push(`${key} is told twice`);
      seen.add(key!);
      const state = states.get(key!);
      if (state === "open" || state === "rolled back") faults.push(`${key} is told while ${state}`);
    }
    for (const key of due) if (!seen.has(key)) faults.push(`${key} is missed`);
  };
  const write = async (writer: number) => {
    for (let number = 0; number < 25; number++) {
      const key = `${writer}.${number}`;
      // Writer 0 and 1 keep their transactions open while the others commit several.
      const rounds = writer < 2 ? 12 : (writer + number) % 3;
      const isRolledBack = (writer * 7 + number) % 4 === 0;
      states.set(key, "open");
      await pool.sql
        .begin(async (sql) => {
          await add(sql, key);
          for (let round = 0; round < rounds; round++) await sql`select`;
          if (isRolledBack) throw new Error("back");
          states.set(key, "committing");
        })
        .catch(() => {});
      states.set(key, isRolledBack ? "rolled back" : "committed");
    }
  };
  let isWriting = true;
  const writers = Promise.all(Array.from({ length: 8 }, (_, writer) => write(writer))).then(() => {
    isWriting = false;
  });
  while (isWriting) await look();
  await writers;
  await look();
  await pool.close();
  return faults;
}

test("each commit is told once, by the first reading after it, and none before", async () => {
  expect(await readBesideWriters(readOutbox)).toEqual([]);
});

test("a cursor that is the greatest number misses commits, which this test would show", async () => {
  expect(await readBesideWriters(readById)).toContainEqual(expect.stringMatching(/is missed/));
});
