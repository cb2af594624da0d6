/**
 * Goal: a city of an earlier version starts with its rows, and while its instances work. Method: a real server with the version that was
 * released before, rows that its own functions have written, and then the migrations since.
 */
import { copyFile, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Database, openDatabase, type Sql } from "@teranga/kit/database.ts";
import { migrate } from "@teranga/kit/migrate.ts";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { onServer } from "../test/city-over-wire.ts";
import { brokenInvariants } from "../test/invariants.ts";
import { cancellationOf, idOf, line, smallOrder } from "../test/protocol-database.ts";
import { MIGRATIONS, prepareCityDatabase } from "./database.ts";

const NAME = "city_migrations";
const NOW = "2026-01-01T00:00:00.000Z";
/** The newest migration of each earlier version. */
const RELEASED = { first: 9, second: 20 };
const PLACEMENT = {
  partitions: [
    { id: "dakar", claims: ["L'Île (Nord)", 'Keur "A", \\B'], isDefault: false },
    { id: "autres", claims: ["Ziguinchor"], isDefault: true },
  ],
} as unknown as Parameters<typeof prepareCityDatabase>[2];

let database: Database;
let sql: Sql;
let directory: string;

beforeEach(async () => {
  await onServer((server) => server`create database ${server(NAME)}`);
  const url = inject("postgresUrl").replace(/\/postgres$/, `/${NAME}`);
  database = openDatabase({ url, applicationName: "test", connections: 4 });
  sql = database.sql;
  directory = await mkdtemp(join(tmpdir(), "teranga-city-"));
});
afterEach(async () => {
  await database.close();
  await onServer((server) => server`drop database ${server(NAME)}`);
  await rm(directory, { recursive: true });
});

/** Makes the database of an earlier version, with clients and stock. */
async function bringTo(version: number, cityId: string): Promise<void> {
  const files = (await readdir(MIGRATIONS)).filter((file) => Number.parseInt(file, 10) <= version);
  await Promise.all(files.map((file) => copyFile(join(MIGRATIONS, file), join(directory, file))));
  await migrate(sql, directory);
  const towns = { dakar: ["dakar", "l-ile-(nord)", 'keur-"a",-\\b'], autres: ["autres", "ziguinchor"] };
  const isDefault = cityId === "autres";
  await sql`select set_fragment(${cityId}, ${isDefault}, ${towns[cityId as "dakar"]}::text[], ${towns.dakar}::text[])`;
  await sql`
    insert into client (id, name, email, town)
    values (${`${cityId}:1`}, 'Awa', 'awa@example.com', ${isDefault ? "Kaolack" : 'Keur "A", \\B'})`;
  for (const product of ["101", "102", "103"]) {
    await sql`insert into stock (product_id, warehouse, on_hand) values (${product}, 'Warehouse', 0)`;
    await add(product, 100);
  }
}

async function add(product: string, pieces: number): Promise<void> {
  await sql`update stock set on_hand = on_hand + ${pieces} where product_id = ${product}`;
  await sql`
    insert into stock_movement (product_id, reason, on_hand_change, reserved_change) values (${product}, 'RESTOCKED', ${pieces}, 0)`;
}

async function commit(what: "orders" | "cancellations", entry: object): Promise<void> {
  const [row] = await sql.unsafe(`select answer ->> 'state' as state from commit_${what}($1, $2, $2)`, [
    [entry] as never,
    NOW,
  ]);
  expect(row).toEqual({ state: "COMMITTED" });
}

const order = (city: string, number: number, quantity: number, productId: string, paymentMethod: string) =>
  smallOrder(idOf(city, number), quantity, 1, {
    clientId: `${city}:1`,
    lines: [{ productId, quantity, unitPrice: 1 }],
    allocations: [{ cityId: city, productId, quantity }],
    paymentMethod,
  });

/** What another city's transaction takes from this one. */
async function give(number: number, kind: string, quantity: number): Promise<void> {
  const entry = { transactionId: idOf("thies", number), kind, lines: [line("101", quantity)] };
  await sql`select * from prepare_transactions(${sql.json([{ ...entry, deadline: NOW }])}, ${NOW})`;
  await sql`select * from decide_transactions(${sql.json([{ ...entry, decision: "COMMITTED" }])}, ${NOW})`;
}

const cancel = (city: string, number: number, ordered: number) =>
  commit(
    "cancellations",
    cancellationOf(idOf(city, number), idOf(city, ordered), { idempotencyKey: `cancel ${number}` }),
  );

const returnable = async () =>
  Object.fromEntries(
    (await sql`select product_id, returnable from stock`).map((row) => [row.product_id, row.returnable]),
  );

const ROOM = "a level keeps room for what orders have taken and not given back";

test.each([
  ["dakar", RELEASED.first],
  ["dakar", RELEASED.second],
  ["autres", RELEASED.second],
])(
  "the rows of %s, of version %d, are what they were, and the room that they need is kept",
  async (city, version) => {
    await bringTo(version, city);
    await sql`select top_up_wallet(${`${city}:1`}, 50, 'top-up', 1000, ${NOW})`;
    await commit("orders", order(city, 1, 7, "101", "WALLET"));
    await commit("orders", order(city, 2, 5, "101", "WALLET"));
    await commit("orders", order(city, 3, 3, "101", "CASH_ON_DELIVERY"));
    await cancel(city, 4, 2);
    await give(5, "ORDER", 20);
    await give(6, "TRANSFER", 30);
    // More than there is room for, as transfers could fill a level, and more than the column holds, as a level can sell.
    await add("102", 2_100_000_000);
    await commit("orders", order(city, 7, 40, "102", "CASH_ON_DELIVERY"));
    for (const number of [11, 12, 13]) {
      await add("103", 1_000_000_000);
      await commit("orders", order(city, number, 1_000_000_000, "103", "CASH_ON_DELIVERY"));
    }

    await prepareCityDatabase(sql, city, PLACEMENT);

    expect(await returnable()).toEqual({ 101: 30, 102: -100_000_060, 103: 1_999_999_900 });
    expect(await sql`select refundable from wallet`).toEqual([{ refundable: 7 }]);
    const { [ROOM]: capped, ...broken } = await brokenInvariants((text) => sql.unsafe(text));
    expect(broken).toEqual({});
    expect(capped).toMatchObject([{ product_id: "102" }, { product_id: "103" }]);
    for (const [index, ordered] of [1, 3, 7, 11].entries()) await cancel(city, 20 + index, ordered);
    const strange = city === "dakar" ? "Ziguinchor" : "L’île (nord)";
    await expect(sql`update client set town = ${strange}`).rejects.toMatchObject({
      constraint_name: "client_town_of_city",
    });
  },
);

test("a commit that an instance of the version before has begun ends, and then the migrations run", async () => {
  await bringTo(RELEASED.first, "dakar");
  let migrated: Promise<void> | undefined;
  await sql.begin(async (running) => {
    // The order of its locks, from the first to the last.
    await running`select city_id from fragment`;
    await running`select from client where id = 'dakar:1' for no key update`;
    migrated = prepareCityDatabase(sql, "dakar", PLACEMENT);
    migrated.catch(() => {});
    await untilSomebodyWaits();
    await running`select from stock where product_id = '101' for no key update`;
    await running`
      insert into stock_movement (product_id, reason, on_hand_change, reserved_change) values ('101', 'RESTOCKED', 1, 0)`;
    await running`
      insert into transaction_decision (transaction_id, state, answer, decided_at) values (${idOf("dakar", 1)}, 'ABORTED', '{}', ${NOW})`;
  });
  await migrated;
});

async function untilSomebodyWaits(): Promise<void> {
  for (;;) {
    const [row] =
      await sql`select from pg_locks where not granted and locktype in ('relation', 'tuple', 'transactionid')`;
    if (row) return;
  }
}
