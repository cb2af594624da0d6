/** Goal: answers say which positions they show, to callers that ask for it and to no others. */
import { parseRanges } from "@teranga/kit/reads/read-headers.ts";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { startTestCatalog, type TestCatalog } from "./testing.ts";

let catalog: TestCatalog;
beforeAll(async () => {
  catalog = await startTestCatalog();
});
afterAll(() => catalog.close());

const READ = "{ products(first: 1) { edges { node { id } } } }";
const create = (name: string) =>
  `mutation { createProduct(input: { name: "${name}", description: "", price: 5 }) { __typename } }`;

async function askAfter(readAfter: string | undefined, query: string) {
  const { errors, notes } = await catalog.ask(
    query,
    {},
    readAfter === undefined ? {} : { "x-read-after": readAfter },
  );
  expect(errors).toBeUndefined();
  return { notes, range: parseRanges(notes?.positions ?? "").get("catalog") };
}

test("nothing is said, and no further statement run, without the header", async () => {
  catalog.takeStatements();
  expect((await askAfter(undefined, READ)).notes?.positions).toBeUndefined();
  expect(catalog.takeStatements().filter((statement) => /wal_position|timeline/.test(statement))).toEqual([]);
});

test("a write tells the position that includes it, and a read after it includes that", async () => {
  const written = await askAfter("primary", create("A first"));
  expect(written.notes?.readFrom).toBe("primary write");
  const { includes, upTo } = written.range!;
  expect(includes).toEqual(upTo);
  const text = `catalog=${upTo.timeline}.${upTo.lsn}`;
  const read = await askAfter(text, READ);
  expect(read.notes?.readFrom).toBe("primary no-replica");
  // A busy machine may take longer than the 100 ms for which a read waits to be sure of it.
  const isSureOfIt = async () => (await askAfter(text, READ)).range!.includes.lsn >= upTo.lsn;
  await vi.waitUntil(isSureOfIt, { timeout: 20_000 });
  expect(read.range!.upTo.lsn).toBeGreaterThanOrEqual(read.range!.includes.lsn);
  expect((await askAfter("primary", READ)).notes?.readFrom).toBe("primary not-allowed");
  expect((await catalog.sql`select id from timeline`).map(({ id }) => id)).toEqual([1]);
});

test("each write moves the position, whatever the caller has seen", async () => {
  const first = await askAfter("", create("A second"));
  const second = await askAfter("catalog=1.5,city/dakar=9.9", create("A third"));
  expect(second.range!.upTo.lsn).toBeGreaterThan(first.range!.upTo.lsn);
});

test.each(["catalog=1.9007199254740990", "catalog=7.1", "catalog=x", "=", "nonsense,".repeat(500)])(
  "a position from the future, or none, is answered what is there: %.40s",
  async (readAfter) => {
    const { range } = await askAfter(readAfter, READ);
    const now = await askAfter("primary", READ);
    expect(range!.upTo.timeline).toBe(1);
    expect(range!.upTo.lsn).toBeLessThanOrEqual(now.range!.upTo.lsn);
    expect(range!.includes.lsn).toBeLessThanOrEqual(range!.upTo.lsn);
  },
);

test("a commit that is flushed, and not visible yet, is not part of what a read includes", async () => {
  const open = await catalog.sql.reserve();
  try {
    const before = await askAfter("primary", create("A fourth"));
    await open`begin`;
    await open`insert into product (name, description, price) values ('Open', '', 1)`;
    await askAfter("primary", create("A fifth"));
    const read = await askAfter("primary", READ);
    const later = await askAfter("primary", READ);
    for (const { range } of [read, later])
      expect(range!.includes.lsn).toBeLessThanOrEqual(before.range!.upTo.lsn);
  } finally {
    await open`rollback`;
    open.release();
  }
});

test("nor is the newest transaction, which no snapshot lists", async () => {
  const open = await catalog.sql.reserve();
  try {
    const before = await askAfter("primary", create("A sixth"));
    await open`begin`;
    await open`insert into product (name, description, price) values ('Newest', '', 1)`;
    await catalog.sql`select pg_logical_emit_message(false, 'test', '', true)`;
    const read = await askAfter("primary", READ);
    const later = await askAfter("primary", READ);
    for (const { range } of [read, later])
      expect(range!.includes.lsn).toBeLessThanOrEqual(before.range!.upTo.lsn);
    expect(later.range!.upTo.lsn).toBeGreaterThan(before.range!.upTo.lsn);
  } finally {
    await open`rollback`;
    open.release();
  }
});
