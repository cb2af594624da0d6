/**
 * Many senders at once, with batches that overlap in products, transactions and clients, in every order: no deadlock, and the levels
 * are what the movements and reservations say. Nothing is retried here, so a deadlock would fail the test.
 */
import { type Database, openDatabase } from "@teranga/kit/database.ts";
import { parseTopology, partitionsOf } from "@teranga/kit/topology.ts";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { prepareCityDatabase } from "./database.ts";

const NAME = "contention";
const PRODUCTS = ["101", "102", "103", "104", "105"];
const CLIENTS = ["dakar:1", "dakar:2", "dakar:3"];
const SENDERS = 12;
const BATCHES_EACH = 60;
const ENTRIES = 6;
/** Few enough that senders meet, at each stage of a transaction. */
const TRANSACTIONS = 200;
const SEED = 20_260_101;

const place = (name: string, isDefault = false) =>
  `{ name: ${name}, default: ${isDefault}, location: { latitude: 14, longitude: -17 }, urls: ["http://127.0.0.1:9/graphql"] }`;
const placement = partitionsOf(
  parseTopology(
    `subgraphs: { city: { partitions: { dakar: ${place("Dakar")}, autres: ${place("Autres", true)} } } }`,
  ),
  "city",
);

let database: Database;
beforeAll(async () => {
  const server = openDatabase({ url: inject("postgresUrl"), applicationName: "test", connections: 1 });
  await server.sql`create database ${server.sql(NAME)}`;
  await server.close();
  const url = inject("postgresUrl").replace(/\/postgres$/, `/${NAME}`);
  database = openDatabase({ url, applicationName: "test", connections: SENDERS });
  const { sql } = database;
  await prepareCityDatabase(sql, "dakar", placement);
  for (const id of CLIENTS)
    await sql`insert into client (id, name, email, town) values (${id}, 'n', ${`${id}@x`}, 'Dakar')`;
  for (const id of PRODUCTS)
    await sql`insert into stock (product_id, warehouse, on_hand) values (${id}, 'w', 500)`;
  await sql`
    insert into stock_movement (product_id, reason, on_hand_change, reserved_change)
    select product_id, 'RESTOCKED', on_hand, 0 from stock`;
});
afterAll(async () => {
  await database.close();
  const server = openDatabase({ url: inject("postgresUrl"), applicationName: "test", connections: 1 });
  await server.sql`drop database ${server.sql(NAME)}`;
  await server.close();
});

/** A small generator of its own (mulberry32), so that a failing seed can be run again. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A transaction's lines, the same whenever it is met, in another order each time. */
function linesOf(number: number, random: () => number) {
  const count = 1 + (number % 3);
  const lines = Array.from({ length: count }, (_, index) => ({
    productId: PRODUCTS[(number + index * 2) % PRODUCTS.length]!,
    quantity: 1 + (number % 2),
  }));
  return lines.sort(() => random() - 0.5);
}

async function sendBatch(random: () => number): Promise<void> {
  const { sql } = database;
  const numbers = new Set(Array.from({ length: ENTRIES }, () => Math.floor(random() * TRANSACTIONS)));
  const idOf = (home: string, number: number) =>
    `${home}:00000000-0000-7000-8000-${String(number).padStart(12, "0")}`;
  const now = new Date();
  const foreign = [...numbers].map((number) => ({
    transactionId: idOf("autres", number),
    lines: linesOf(number, random),
    deadline: now,
    // A transaction is always decided the same way, as its home would.
    decision: number % 3 === 0 ? "ABORTED" : "COMMITTED",
  }));
  const own = [...numbers].map((number) => ({
    transactionId: idOf("dakar", number),
    cityId: "autres",
    clientId: CLIENTS[number % CLIENTS.length],
    idempotencyKey: `key ${number % 50}`,
    requestHash: "hash",
    paymentMethod: "CASH_ON_DELIVERY",
    lines: linesOf(number, () => 0.5).map((line) => ({ ...line, unitPrice: 5 })),
    allocations: linesOf(number, () => 0.5).map((line) => ({ ...line, cityId: "dakar" })),
  }));
  const kind = Math.floor(random() * 4);
  if (kind === 0) await sql`select from prepare_transactions(${sql.json(foreign as never)}, ${now})`;
  if (kind === 1) await sql`select from decide_transactions(${sql.json(foreign as never)}, ${now})`;
  if (kind === 2) await sql`select from commit_orders(${sql.json(own as never)}, ${now}, ${now})`;
  if (kind === 3) await sql`select from transaction_outcomes(${sql.json(own.slice(0, 1) as never)}, ${now})`;
}

test(`${SENDERS} senders of ${BATCHES_EACH} overlapping batches each (seed ${SEED})`, async () => {
  const { sql } = database;
  await Promise.all(
    Array.from({ length: SENDERS }, async (_, sender) => {
      const random = randomOf(SEED + sender);
      for (let batch = 0; batch < BATCHES_EACH; batch++) await sendBatch(random);
    }),
  );
  const [{ committed, confirmed }] = (await sql`
    select (select count(*)::int from orders) as committed,
           (select count(*)::int from participation where state = 'COMMITTED') as confirmed`) as unknown as [
    { committed: number; confirmed: number },
  ];
  // The run has got as far as doing something of each kind.
  expect(committed).toBeGreaterThan(20);
  expect(confirmed).toBeGreaterThan(20);
  const broken = await sql`
    select product_id from stock join (
      select product_id, sum(on_hand_change) as on_hand, sum(reserved_change) as reserved from stock_movement group by 1
    ) moved using (product_id)
    where stock.on_hand <> moved.on_hand or stock.reserved <> moved.reserved
    union all
    select product_id from stock left join (
      select product_id, sum(quantity) as held from reservation join participation using (transaction_id)
      where state = 'PREPARED' group by 1
    ) held using (product_id) where reserved <> coalesce(held, 0)
    union all
    select client_id || idempotency_key from transaction_decision where state = 'COMMITTED'
    group by client_id, idempotency_key having count(*) > 1`;
  expect([...broken]).toEqual([]);
  const [stats] = await sql`select deadlocks::int from pg_stat_database where datname = ${NAME}`;
  expect(stats).toEqual({ deadlocks: 0 });
});
