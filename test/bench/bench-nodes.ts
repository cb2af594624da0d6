/**
 * `npm run bench:nodes`: what it costs a writer of the catalog that its changes are replicated, and how soon
 * other nodes have them: under a steady load, after a cut, and when a node joins.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Sql } from "@teranga/kit/postgres/database.ts";
import { runMain } from "@teranga/kit/process/config.ts";
import { CatalogNodes } from "../harness/catalog-nodes.ts";
import { median, percentile } from "./statistics.ts";

const PRODUCTS = 1_000;
const ROUNDS = 20;
const WRITERS = 4;
const WRITES = 60;
const PACE_MS = 5;
const PACED = 3_000;
const BACKLOG = 100_000;
const HOT_EDITS = 1_000;
const JOINED_PRODUCTS = 100_000;
/** A look at the other node every so often: a lag is known as exactly as that. */
const LOOK_EVERY_MS = 4;

const say = (line: string) => process.stdout.write(`${line}\n`);
const usage = {
  command: "npm run bench:nodes",
  about:
    "Measures writes of the catalog with replication and without, lag, a backlog, and a node that joins.",
};

await runMain(usage, async () => {
  // The backlog must find room in the slot.
  const nodes = new CatalogNodes({ fsync: "on", max_slot_wal_keep_size: "4GB" }, 1_000);
  try {
    await nodes.start("dakar");
    await nodes.get("dakar").manager.joined;
    await addProducts(nodes.sql("dakar"), PRODUCTS, "Product");
    await nodes.start("thies");
    await nodes.connect();
    await nodes.get("thies").manager.joined;
    await untilEqual(nodes);
    await measureWrites(nodes.sql("dakar"), "while the other node folds on the same machine");
    await untilEqual(nodes);
    await cut(nodes);
    await measureWrites(nodes.sql("dakar"), "while the line is cut, so of the writer's machine alone");
    nodes.set("dakar", "thies", "open");
    await untilEqual(nodes);
    await measureLag(nodes.sql("dakar"), nodes.sql("thies"));
    await measureHotRow(nodes);
    await measureBacklog(nodes);
    await addProducts(nodes.sql("dakar"), JOINED_PRODUCTS - PRODUCTS, "More");
    await measureJoin(nodes);
  } finally {
    await nodes.close();
  }
});

/** On a busy machine thousands of changes, each a transaction, take minutes. */
function untilEqual(nodes: CatalogNodes): Promise<void> {
  return nodes.untilEqual(["dakar", "thies"], 600_000);
}

/** By a thousand: a statement has a limit of time. */
async function addProducts(sql: Sql, count: number, name: string): Promise<void> {
  for (let made = 0; made < count; made += PRODUCTS)
    await sql`
      insert into product (name, description, price)
      select ${name} || ' ' || n, repeat('What it is. ', 20), 1000
      from generate_series(${made + 1}::int, ${made + PRODUCTS}::int) as n`;
}

function update(sql: Sql, number: number) {
  return sql`update product set price = price % 1000 + 1 where id = ${String(101 + (number % PRODUCTS))}`;
}

/** Rounds with and without the triggers are interleaved: the machine is another one from second to second. */
async function measureWrites(sql: Sql, when: string): Promise<void> {
  const ratios: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const tookMs = { enable: 0, disable: 0 };
    for (const trigger of ["enable", "disable"] as const) {
      await sql.unsafe(`alter table product ${trigger} trigger capture_update`);
      const beganMs = performance.now();
      const write = async (writer: number) => {
        for (let number = 0; number < WRITES; number++) await update(sql, writer * WRITES + number);
      };
      await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
      tookMs[trigger] = performance.now() - beganMs;
    }
    // The first round warms up.
    if (round > 0) ratios.push(tookMs.disable / tookMs.enable);
  }
  await sql`alter table product enable trigger capture_update`;
  // What was written without an operation is at one node only.
  await sql`update product set description = description || '.', price = 1001`;
  say(
    `local writes: ${median(ratios).toFixed(2)} of the speed without the log, ${when} (${ROUNDS} pairs of rounds)`,
  );
}

/** Writers side by side, each of one product: one that waits for its commits wrote 143 times a second. */
async function measureLag(here: Sql, there: Sql): Promise<void> {
  const ids = Array.from({ length: WRITERS }, (_, writer) => String(101 + writer));
  const sent = new Map(ids.map((id) => [id, [] as { price: number; atMs: number }[]]));
  const lags: number[] = [];
  let isOver = false;
  const isAwaited = () => [...sent.values()].some((writes) => writes.length > 0);
  const looking = (async () => {
    while (!isOver || isAwaited()) {
      const rows = await there<{ id: string; price: number }[]>`
        select id, price from product where id = any (${ids})`;
      const atMs = performance.now();
      for (const { id, price } of rows) {
        const writes = sent.get(id)!;
        // A product's price only rises here, so whoever has one has those before.
        while (writes.length > 0 && writes[0]!.price <= price) lags.push(atMs - writes.shift()!.atMs);
      }
      await sleep(LOOK_EVERY_MS);
    }
  })();
  const beganMs = performance.now();
  const write = async (id: string, writer: number) => {
    for (let number = writer; number < PACED; number += WRITERS) {
      await sleep(Math.max(0, beganMs + number * PACE_MS - performance.now()));
      const price = 2_000 + number;
      await here`update product set price = ${price} where id = ${id}`;
      sent.get(id)!.push({ price, atMs: performance.now() });
    }
  };
  await Promise.all(ids.map(write));
  const perSecond = (PACED / (performance.now() - beganMs)) * 1_000;
  isOver = true;
  await looking;
  const [p50, p99] = [0.5, 0.99].map((share) => percentile(lags, share).toFixed(0));
  say(`lag at ${perSecond.toFixed(0)} writes/s: p50 ${p50} ms, p99 ${p99} ms (${PACED} writes)`);
}

async function cut(nodes: CatalogNodes): Promise<void> {
  nodes.set("dakar", "thies", "refusing");
  await sleep(1_000);
}

/** One product, edited at both while they are cut off: one round of all its edits. */
async function measureHotRow(nodes: CatalogNodes): Promise<void> {
  await cut(nodes);
  const edit = async (node: string) => {
    for (let price = 1; price <= HOT_EDITS; price++)
      await nodes.sql(node)`update product set price = ${price + 5_000} where id = '101'`;
  };
  await Promise.all(["dakar", "thies"].map(edit));
  const beganMs = performance.now();
  nodes.set("dakar", "thies", "open");
  await untilEqual(nodes);
  say(`a row with ${HOT_EDITS} edits at each of two nodes: equal ${seconds(beganMs)} after the line is back`);
}

async function measureBacklog(nodes: CatalogNodes): Promise<void> {
  await cut(nodes);
  for (let written = 0; written < BACKLOG; written += PRODUCTS)
    await nodes.sql("dakar")`update product set description = ${`Backlog ${written}`}`;
  const [{ count }] = (await nodes.sql("dakar")`select count(*)::int as count from operation`) as [
    { count: number },
  ];
  const beganMs = performance.now();
  nodes.set("dakar", "thies", "open");
  await untilOperations(nodes.sql("thies"), count);
  say(`a backlog of ${BACKLOG} operations: ${seconds(beganMs)} from the moment when the line is back`);
}

async function measureJoin(nodes: CatalogNodes): Promise<void> {
  const beganMs = performance.now();
  await nodes.start("louga");
  await nodes.connect();
  await nodes.get("louga").manager.joined;
  const [{ count }] = (await nodes.sql("louga")`select count(*)::int as count from operation`) as [
    { count: number },
  ];
  say(`a node joins ${JOINED_PRODUCTS} products with ${count} operations: ${seconds(beganMs)}`);
}

/** The backlog must be there within ten minutes. */
async function untilOperations(sql: Sql, wanted: number): Promise<void> {
  const endMs = performance.now() + 600_000;
  for (;;) {
    const [row] = await sql<{ count: number }[]>`select count(*)::int as count from operation`;
    if (row!.count >= wanted) return;
    if (performance.now() > endMs) throw new Error(`only ${row!.count} of ${wanted} operations came`);
    await sleep(200);
  }
}

function seconds(beganMs: number): string {
  return `${((performance.now() - beganMs) / 1_000).toFixed(1)} s`;
}
