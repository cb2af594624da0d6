/**
 * Goal: nodes of the catalog, each with a PostgreSQL of its own, end with equal rows whatever happens to the
 * links, the servers and the nodes, and lose no acknowledged edit. Method: real servers; SQL as any client
 * writes it.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Sql } from "@teranga/kit/postgres/database.ts";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { AcknowledgedEdits } from "./harness/acknowledged-edits.ts";
import { CatalogNodes } from "./harness/catalog-nodes.ts";

const nodes = new CatalogNodes();
const SOON = { timeout: 20_000, interval: 50 };
/** Of one test: more on few products make their folds slow. */
const WRITES_MAX = 100;
/** Of each row in the log; twice as many are too many. */
const KEPT = 5;
const COMPACTING = ["dakar", "thies"];
const acknowledged = new AcknowledgedEdits(nodes);
const edit = acknowledged.edit.bind(acknowledged);
let many: string[] = [];
let nextPrice = 10_000;

beforeAll(async () => {
  await nodes.start("dakar");
  await create(nodes.sql("dakar"), "Bissap");
  await create(nodes.sql("dakar"), "Café");
  const made = await nodes.sql("dakar")<{ id: string }[]>`
    insert into product (name, description, price) select 'Tissu ' || n, '', 100 from generate_series(1, 60) as n
    returning id`;
  many = made.map(({ id }) => id);
  await nodes.get("dakar").manager.joined;
  await nodes.start("thies");
  await nodes.connect();
  await nodes.get("thies").manager.joined;
  for (const node of COMPACTING) await acknowledged.compact(node, KEPT);
}, 60_000);
afterAll(() => nodes.close(), 60_000);

async function create(sql: Sql, name: string): Promise<string> {
  const [row] = await sql<{ id: string }[]>`
    insert into product (name, description, price) values (${name}, '', 100) returning id`;
  return row!.id;
}

/** Edits products at these nodes until it is stopped. What fails was not acknowledged. */
function writeAt(names: readonly string[], ids: readonly string[] = many) {
  let stopped = false;
  let written = 0;
  const write = async (node: string) => {
    for (let turn = 0; !stopped && written < WRITES_MAX; turn++) {
      // A write that changes nothing is no operation.
      const done = await edit(node, ids[turn % ids.length]!, nextPrice++).then(
        () => true,
        () => false,
      );
      if (done) written++;
      await delay(done ? 20 : 50);
    }
  };
  const writers = names.map(write);
  return {
    written: () => written,
    async stop() {
      stopped = true;
      await Promise.all(writers);
    },
  };
}

async function expectNothingLost(): Promise<void> {
  await nodes.untilEqual();
  expect(await acknowledged.missing()).toEqual([]);
}

const inLog = async (node: string, id: string) =>
  (await nodes.sql(node)`select from operation where entity = 'Product' and id = ${id}`).length;

const linesOf = (node: string) => nodes.get(node).lines.join("\n");
const linkOf = (node: string, peer: string) => nodes.get(node).manager.state?.links.get(peer);
const priceAt = async (node: string, id: string) =>
  (await nodes.sql(node)<{ price: number }[]>`select price from product where id = ${id}`)[0]?.price;

/** Reads a price again and again until it is stopped; resolves to those that it has seen. */
function readAt(node: string, id: string) {
  let stopped = false;
  const read = async () => {
    const seen = new Set<number | undefined>();
    do seen.add(await priceAt(node, id));
    while (!stopped);
    return [...seen];
  };
  const reading = read();
  return {
    stop() {
      stopped = true;
      return reading;
    },
  };
}

test("a node that joins has what was written before, and each hears of the other's writes", async () => {
  await nodes.untilEqual();
  await edit("dakar", "101", 200);
  await vi.waitFor(async () => expect(await priceAt("thies", "101")).toBe(200), SOON);
  await edit("thies", "101", 300);
  await vi.waitFor(async () => expect(await priceAt("dakar", "101")).toBe(300), SOON);
  expect(await create(nodes.sql("thies"), "Thé")).toMatch(/^thies-\d+$/);
  expect(await create(nodes.sql("dakar"), "Ataya")).toMatch(/^\d+$/);
  await expectNothingLost();
});

test("a node that is paused neither sends nor receives until it is resumed", async () => {
  await nodes.sql("thies")`update node_state set paused = true`;
  await vi.waitFor(() => {
    expect(linkOf("thies", "dakar")).toEqual({ kind: "paused" });
    expect(linkOf("dakar", "thies")).toEqual({ kind: "paused" });
  }, SOON);
  await edit("dakar", "101", 400);
  await edit("thies", "102", 500);
  await delay(200);
  expect([await priceAt("thies", "101"), await priceAt("dakar", "102")]).toEqual([300, 100]);
  await nodes.sql("thies")`update node_state set paused = false`;
  await expectNothingLost();
  expect([await priceAt("thies", "101"), await priceAt("dakar", "102")]).toEqual([400, 500]);
});

test("the oldest operations leave the logs once every node has them", async () => {
  for (let turn = 0; turn < 12; turn++) await edit("dakar", "102", nextPrice++);
  for (const node of COMPACTING)
    await vi.waitFor(async () => expect(await inLog(node, "102")).toBeLessThan(2 * KEPT), SOON);
  await nodes.sql("thies")`update node_state set paused = true`;
  await vi.waitFor(() => expect(linkOf("dakar", "thies")).toEqual({ kind: "paused" }), SOON);
  for (let turn = 0; turn < 12; turn++) await edit("dakar", "102", nextPrice++);
  await delay(300);
  expect(await inLog("dakar", "102")).toBeGreaterThanOrEqual(12);
  await nodes.sql("thies")`update node_state set paused = false`;
  for (const node of COMPACTING)
    await vi.waitFor(async () => expect(await inLog(node, "102")).toBeLessThanOrEqual(2 * KEPT), SOON);
  await expectNothingLost();
});

test("nodes whose link is cut go on, and end equal when it is healed", async () => {
  const atTheCut = writeAt(["dakar", "thies"]);
  nodes.set("dakar", "thies", "refusing");
  await vi.waitFor(() => expect(linkOf("dakar", "thies")?.kind).toBe("unreachable"), SOON);
  await atTheCut.stop();
  const writing = writeAt(["dakar", "thies"]);
  await vi.waitFor(() => expect(writing.written()).toBeGreaterThan(20), SOON);
  await edit("dakar", "102", 601);
  await edit("thies", "102", 602);
  nodes.set("dakar", "thies", "open");
  await writing.stop();
  await expectNothingLost();
  const conflicts = await nodes.sql(
    "thies",
  )`select winner -> 'value' as value from conflict where id = '102'`;
  expect([...conflicts]).toEqual([{ value: 601 }]);
});

test("a node that is killed in the middle of writes comes back, and nothing acknowledged is lost", async () => {
  const writing = writeAt(["dakar", "thies"]);
  await vi.waitFor(() => expect(writing.written()).toBeGreaterThan(20), SOON);
  await nodes.kill("thies");
  const before = writing.written();
  await vi.waitFor(() => expect(writing.written()).toBeGreaterThan(before + 20), SOON);
  await writing.stop();
  await expectNothingLost();
});

test("a third node joins while the others write, is removed again, and does not come back with its old data", async () => {
  const writing = writeAt(["dakar", "thies"]);
  await nodes.start("saint-louis");
  await nodes.connect();
  await nodes.get("saint-louis").manager.joined;
  const third = writeAt(["saint-louis"]);
  await vi.waitFor(() => expect(third.written()).toBeGreaterThan(10), SOON);
  await writing.stop();
  await third.stop();
  await expectNothingLost();

  await nodes.connect(["dakar", "thies"]);
  const kept = (node: string) =>
    nodes.sql(node)`select from pg_replication_slots where slot_name like '%saint\_louis'`;
  await vi.waitFor(
    async () => expect([...(await kept("dakar")), ...(await kept("thies"))]).toEqual([]),
    SOON,
  );
  // Nobody but it ever has this.
  await nodes.sql("saint-louis")`update product set price = 699 where id = '102'`;
  await nodes.connect();
  await vi.waitFor(() => expect(linesOf("saint-louis")).toContain("REMOVED_NODE: "), SOON);
  await vi.waitFor(() => expect(linkOf("dakar", "saint-louis")?.kind).toBe("unusable"), SOON);
  await edit("thies", "101", 700);
  await nodes.untilEqual(["dakar", "thies"]);
  expect(await priceAt("dakar", "102")).not.toBe(699);

  await nodes.connect(["dakar", "thies"]);
  await nodes.remove("saint-louis");
  await expectNothingLost();
});

test("a node that was away for longer than its slot is rebuilt, and keeps what only it has", async () => {
  nodes.set("dakar", "thies", "refusing");
  await vi.waitFor(() => expect(linkOf("thies", "dakar")?.kind).toBe("unreachable"), SOON);
  await edit("thies", "102", 801);
  await edit("dakar", "101", 802);
  for (let segment = 0; segment < 6; segment++) {
    await nodes.sql("dakar")`select pg_logical_emit_message(false, 'test', 'x'), pg_switch_wal()`;
  }
  await nodes.sql("dakar")`checkpoint`;
  // Long enough to be seen by a reader.
  await nodes.sql("thies").unsafe(`
    create function take_long() returns trigger language plpgsql as $$
      begin perform pg_sleep(0.2); return null; end $$;
    create trigger takes_long after delete on kept_operation execute function take_long();
    alter table kept_operation enable always trigger takes_long`);
  const read = readAt("thies", "102");
  nodes.set("dakar", "thies", "open");
  await vi.waitFor(() => expect(linesOf("thies")).toContain("keeps no longer what came"), SOON);
  await vi.waitFor(async () => expect(await priceAt("dakar", "102")).toBe(801), SOON);
  // It serves meanwhile. What only it has must not be away for a moment.
  expect(await read.stop()).toEqual([801]);
  await nodes.sql("thies")`drop function take_long cascade`;
  await expectNothingLost();
  expect([await priceAt("dakar", "102"), await priceAt("thies", "101")]).toEqual([801, 802]);
  await edit("dakar", "101", 803);
  await edit("thies", "102", 804);
  await expectNothingLost();
});

test("operations of an unknown node and of a clock a year ahead are laid aside, and the rest goes on", async () => {
  const forge = (node: string, sequence: number, ahead: string) => nodes.sql("dakar")`
    insert into operation (node, sequence, entity, id, kind, patch, clock, seen, strategies, rules, written_at)
    select ${node}, ${sequence}, 'Product', '101', 'EDIT', '{"price": 1}',
      (extract(epoch from now() + ${ahead}::interval) * 1000)::bigint * 4096, seen, '{"price": "LATEST"}', 1, now()
    from entity_state where entity = 'Product' and id = '101'`;
  await forge("nowhere", 1, "0");
  await forge("dakar", 9_000_001, "1 year");
  await edit("dakar", "101", 900);
  await vi.waitFor(async () => expect(await priceAt("thies", "101")).toBe(900), SOON);
  const refused = await nodes.sql("thies")`select node, reason from refused_operation order by node`;
  expect([...refused]).toEqual([
    { node: "dakar", reason: "CLOCK_AHEAD" },
    { node: "nowhere", reason: "UNKNOWN_NODE" },
  ]);
  await nodes.sql("dakar")`delete from operation where node = 'nowhere' or sequence = 9000001`;
  await nodes.sql("thies")`delete from refused_operation`;
});

test("a node whose clock is an hour ahead of the others' writes nothing until it is right, and hears the rest", async () => {
  const clock = (ahead: string) =>
    nodes.sql("thies").unsafe(`
      create or replace function wall_clock() returns timestamptz
        language sql volatile return clock_timestamp() + interval '${ahead}'`);
  await clock("61 minutes");
  await vi.waitFor(async () => expect(linesOf("thies")).toMatch(/is 61 minutes ahead/), SOON);
  await expect(edit("thies", "101", 910)).rejects.toMatchObject({ code: "57P03" });
  await edit("dakar", "101", 920);
  await vi.waitFor(async () => expect(await priceAt("thies", "101")).toBe(920), SOON);
  await clock("0");
  await vi.waitFor(() => edit("thies", "101", 930), SOON);
  await vi.waitFor(async () => expect(await priceAt("dakar", "101")).toBe(930), SOON);
});

test("a node with tables of another version is cut off with one line until it has the same", async () => {
  await nodes.sql(
    "thies",
  )`insert into schema_version (version, name, md5, run_at) values (999, '', '', now())`;
  await vi.waitFor(() => expect(linkOf("dakar", "thies")?.kind).toBe("unusable"), SOON);
  await edit("dakar", "101", 1_000);
  await nodes.sql("thies")`delete from schema_version where version = 999`;
  await expectNothingLost();
  const said = nodes.get("dakar").lines.filter((line) => line.includes("have version 999"));
  expect(said).toHaveLength(1);
});

test("databases of two nodes on one server are not connected", async () => {
  await nodes.startBeside("guest", "dakar");
  await nodes.connect();
  for (const [one, other] of [
    ["dakar", "guest"],
    ["guest", "dakar"],
  ] as const)
    await vi.waitFor(
      () => expect(linesOf(one)).toContain(`ONE_SERVER: the databases of ${one} and ${other}`),
      SOON,
    );
  await nodes.connect(["dakar", "thies"]);
  await nodes.remove("guest");
  await expectNothingLost();
});

test("a database that is another node's is not connected to, and a second one of a node does not join", async () => {
  const { server } = nodes.get("dakar");
  const twin = await nodes.start("twin");
  await twin.manager.close();
  await twin.sql`update node_state set phase = 'JOINED'`;
  await twin.sql`update this_node set id = 'thies'`;
  await nodes.connect(["dakar", "thies", "twin"]);
  const line = "the database at the address of twin is that of thies";
  await vi.waitFor(() => expect(linesOf("dakar")).toContain(line), SOON);
  expect(server.pid).toBeGreaterThan(0);
  await edit("thies", "101", 1_100);
  await vi.waitFor(async () => expect(await priceAt("dakar", "101")).toBe(1_100), SOON);

  await twin.sql`update node_state set phase = 'NEW'`;
  await twin.sql`update this_node set id = 'catalog'`;
  await nodes.startManagerAs("twin", "thies");
  await vi.waitFor(() => expect(linesOf("twin")).toContain("is thies there twice?"), SOON);
  await nodes.connect(["dakar", "thies"]);
  await nodes.remove("twin");
  await expectNothingLost();
});
