/**
 * Many senders at once, with messages of all kinds that overlap in products, transactions, clients and
 * wallets, in every order. There is no deadlock, and every invariant holds. Nothing is retried here, so a
 * deadlock would fail the test.
 */
import { type Database, openDatabase } from "@teranga/kit/postgres/database.ts";
import { parseTopology, partitionsOf } from "@teranga/kit/topology/topology.ts";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { brokenInvariants } from "../test/invariants.ts";
import { idOf } from "../test/protocol-database.ts";
import { prepareCityDatabase } from "./database.ts";

const NAME = "contention";
const PRODUCTS = ["101", "102", "103", "104", "105"];
const CLIENTS = ["dakar:1", "dakar:2", "dakar:3"];
const SENDERS = 12;
const BATCHES_EACH = 60;
const ENTRIES = 6;
/** Few enough that the senders meet at each stage of a transaction. */
const TRANSACTIONS = 200;
/** The first numbers of the other kinds. */
const CANCELLATIONS = 1_000;
const TRANSFERS = 2_000;
const RETURNS = 3_000;
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

/** A small random generator of its own (mulberry32), so that a failing seed can be run again. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The lines of a transaction: always the same lines, in a random order. */
function linesOf(number: number, random: () => number) {
  const count = 1 + (number % 3);
  const lines = Array.from({ length: count }, (_, index) => ({
    productId: PRODUCTS[(number + index * 2) % PRODUCTS.length]!,
    quantity: 1 + (number % 2),
  }));
  return lines.sort(() => random() - 0.5);
}

/** One of two choices, always the same for a transaction: how its home decides it, or how its client pays. */
const oneOf = <Choice>(number: number, first: Choice, second: Choice) => (number % 3 === 0 ? first : second);

/** Committed orders, which a client knows and may cancel. */
const placed: string[] = [];

/** A batch's entries for transactions of other homes. */
function foreignEntries(numbers: number[], random: () => number) {
  const given = numbers.map((number) => ({
    transactionId: idOf("autres", number),
    kind: number % 2 === 0 ? "ORDER" : "TRANSFER",
    lines: linesOf(number, random),
    deadline: new Date(),
    decision: oneOf(number, "ABORTED", "COMMITTED"),
  }));
  const returned = given.map((entry, index) => ({
    ...entry,
    transactionId: idOf("autres", RETURNS + numbers[index]!),
    kind: "CANCELLATION",
    decision: "COMMITTED",
  }));
  return { given, decided: [...given, ...returned].sort(() => random() - 0.5) };
}

const allocationsOf = (number: number) => linesOf(number, () => 0.5);

function ownOrders(numbers: number[]) {
  return numbers.map((number) => ({
    transactionId: idOf("dakar", number),
    cityId: "autres",
    clientId: CLIENTS[number % CLIENTS.length],
    idempotencyKey: `key ${number % 50}`,
    requestHash: "hash",
    paymentMethod: oneOf(number, "CASH_ON_DELIVERY", "WALLET"),
    lines: allocationsOf(number).map((line) => ({ ...line, unitPrice: 5 })),
    allocations: allocationsOf(number).map((line) => ({ ...line, cityId: "dakar" })),
  }));
}

function ownCancellations(numbers: number[], random: () => number) {
  const known = [...new Set(numbers.map((number) => placed[number % placed.length]))].filter(
    (id) => id !== undefined,
  );
  return known.map((orderId, index) => ({
    transactionId: idOf("dakar", CANCELLATIONS + numbers[index]!),
    orderId,
    idempotencyKey: `key ${Math.floor(random() * 50)}`,
    requestHash: orderId,
  }));
}

function ownTransfers(numbers: number[]) {
  return numbers.map((number) => ({
    transactionId: idOf("dakar", TRANSFERS + number),
    // Some products are new to the city.
    productId: number % 4 === 0 ? `9${number % 10}` : PRODUCTS[number % PRODUCTS.length],
    fromCityId: "autres",
    quantity: 1 + (number % 2),
    idempotencyKey: `key ${number % 50}`,
    requestHash: "hash",
  }));
}

async function sendBatch(random: () => number): Promise<void> {
  const { sql } = database;
  const numbers = [...new Set(Array.from({ length: ENTRIES }, () => Math.floor(random() * TRANSACTIONS)))];
  const now = new Date();
  const json = (entries: object[]) => sql.json(entries as never);
  const { given, decided } = foreignEntries(numbers, random);
  const orders = ownOrders(numbers);
  const messages = [
    () => sql`select from prepare_transactions(${json(given)}, ${now})`,
    () => sql`select from decide_transactions(${json(decided)}, ${now})`,
    async () => {
      const answers = await sql<{ id: string; state: string }[]>`
        select transaction_id as id, answer ->> 'state' as state from commit_orders(${json(orders)}, ${now}, ${now})`;
      placed.push(...answers.filter(({ state }) => state === "COMMITTED").map(({ id }) => id));
    },
    () => sql`select from commit_cancellations(${json(ownCancellations(numbers, random))}, ${now}, ${now})`,
    () => sql`select from commit_transfers(${json(ownTransfers(numbers))}, 'w', ${now}, ${now})`,
    () => sql`select from transaction_outcomes(${json(orders.slice(0, 1))}, ${now})`,
    () => topUp(numbers, now),
  ];
  await messages[Math.floor(random() * messages.length)]!();
}

/** Small amounts, so that wallets run dry now and then. */
async function topUp([number = 0]: number[], now: Date): Promise<void> {
  const client = CLIENTS[number % CLIENTS.length]!;
  await database.sql`select top_up_wallet(${client}, ${1 + (number % 20)}, ${`key ${number}`}, 1000000, ${now})`;
}

test(`${SENDERS} senders of ${BATCHES_EACH} overlapping batches each (seed ${SEED})`, async () => {
  const { sql } = database;
  await Promise.all(
    Array.from({ length: SENDERS }, async (_, sender) => {
      const random = randomOf(SEED + sender);
      for (let batch = 0; batch < BATCHES_EACH; batch++) await sendBatch(random);
    }),
  );
  const [done] = await sql<Record<string, number>[]>`
    select (select count(*)::int from orders where payment_method = 'WALLET') as wallet_orders,
           (select count(*)::int from transaction_decision where answer ->> 'state' = 'DECLINED') as declined,
           (select count(*)::int from orders where status = 'CANCELLED') as cancelled,
           (select count(*)::int from stock_transfer) as transfers,
           (select count(*)::int from ledger_posting where reason = 'TOP_UP') as top_ups,
           (select count(*)::int from participation where state = 'COMMITTED' and kind = 'CANCELLATION') as returns,
           (select count(*)::int from participation where state = 'COMMITTED' and kind <> 'CANCELLATION') as confirmed`;
  // The run has done enough of each kind.
  for (const [what, count] of Object.entries(done!)) expect(count, what).toBeGreaterThan(10);
  expect(await brokenInvariants((text) => sql.unsafe(text))).toEqual({});
  const [stats] = await sql`select deadlocks::int from pg_stat_database where datname = ${NAME}`;
  expect(stats).toEqual({ deadlocks: 0 });
});
