/**
 * The sample data: a shop of 50 clients and 50 products, cut into the fragments that the databases hold.
 *
 * infra/sample holds the global tables from before the fragmentation. Clients are cut by row: each goes to
 * the city that serves its town. Products are cut by column: the description goes to the catalog, the stock
 * to the cities. The stock of a product is spread over the cities.
 */
import { readFile } from "node:fs/promises";
import type { Queryable, Sql } from "@teranga/kit/postgres/database.ts";
import type { PartitionOf } from "@teranga/kit/topology/partition.ts";

/** A row of the global table of clients. */
export interface SampleClient {
  /** The number in the client's id; it does not depend on the city. */
  number: number;
  name: string;
  email: string;
  town: string;
}

/** A row of the global table of products. */
export interface SampleProduct {
  id: string;
  name: string;
  description: string;
  /** Whole francs (XOF). */
  price: number;
  /** Pieces in all cities together. */
  stock: number;
}

export interface SampleData {
  clients: readonly SampleClient[];
  products: readonly SampleProduct[];
}

/** The rows of one city. */
export interface CityFragment {
  clients: (SampleClient & { id: string })[];
  /** `onHand` pieces of each product; products that the city has none of are left out. */
  stock: { productId: string; onHand: number }[];
}

/** The databases that get the data. Their tables exist already. */
export interface SampleDatabases {
  /** By node, the first in front; one without a node if the catalog has one database. */
  catalogs: ReadonlyMap<string | null, Sql>;
  /** By city id; holds every city that `partitionOf` can return. */
  cities: ReadonlyMap<string, Sql>;
  partitionOf: PartitionOf;
}

/** Percent of a product's pieces by city, rounded down. The default city gets the rest. */
const STOCK_SHARES: ReadonlyMap<string, number> = new Map([
  ["dakar", 40],
  ["thies", 25],
  ["saint-louis", 20],
]);
const WAREHOUSES: ReadonlyMap<string, string> = new Map([
  ["dakar", "Dakar — Plateau"],
  ["thies", "Thiès — Escale"],
  ["saint-louis", "Saint-Louis — Sor"],
  ["autres", "Kaolack — Léona"],
]);

/**
 * The top-ups of some clients' wallets, by client number, in whole francs (XOF). Each is enough for an order
 * or two.
 */
const TOP_UPS: ReadonlyMap<number, number> = new Map([
  [1, 2_000_000],
  [2, 1_000_000],
  [3, 500_000],
  [5, 750_000],
]);
/**
 * The most that a wallet may hold. It equals the city's own limit, so the city never refuses these top-ups.
 */
const BALANCE_MAX = 1_000_000_000;

/** One client and one product are dated to each day, so that orderings by time have something to order. */
const FIRST_DAY_MS = Date.UTC(2025, 0, 6, 8);
const DAY_MS = 24 * 60 * 60 * 1_000;
const FIRST_PRODUCT_NUMBER = 101;

/** Reads the global tables. */
export async function readSampleData(): Promise<SampleData> {
  const read = async (name: string) =>
    JSON.parse(await readFile(new URL(`../sample/${name}.json`, import.meta.url), "utf8"));
  const [clients, products] = await Promise.all([read("clients"), read("products")]);
  return { clients, products };
}

/** Cuts the global tables into the cities' fragments. */
export function fragment(
  { clients, products }: SampleData,
  cityIds: readonly string[],
  partitionOf: PartitionOf,
): Map<string, CityFragment> {
  const fragments = new Map(cityIds.map((id): [string, CityFragment] => [id, { clients: [], stock: [] }]));
  for (const client of clients) {
    const cityId = partitionOf(client.town);
    // A city that was added to the topology by hand has no fragment here: it has clients of its own.
    fragments.get(cityId)?.clients.push({ ...client, id: `${cityId}:${client.number}` });
  }
  // A town that no city claims belongs to the default city.
  const defaultCity = partitionOf("");
  for (const { id: productId, stock } of products) {
    for (const [cityId, onHand] of spreadStock(stock, cityIds, defaultCity)) {
      if (onHand > 0) fragments.get(cityId)!.stock.push({ productId, onHand });
    }
  }
  return fragments;
}

/** Spreads pieces over the cities by their shares. The parts add up to `total`. */
export function spreadStock(
  total: number,
  cityIds: readonly string[],
  defaultCity: string,
): Map<string, number> {
  const pieces = new Map(cityIds.map((id) => [id, Math.floor((total * (STOCK_SHARES.get(id) ?? 0)) / 100)]));
  const given = [...pieces.values()].reduce((sum, each) => sum + each, 0);
  return pieces.set(defaultCity, pieces.get(defaultCity)! + total - given);
}

/**
 * Loads the sample data into every empty database, each in a transaction of its own. A second run, also after
 * an interruption, fills the databases that are still empty and changes nothing else.
 */
export async function loadSampleData({ catalogs, cities, partitionOf }: SampleDatabases): Promise<void> {
  const data = await readSampleData();
  const fragments = fragment(data, [...cities.keys()], partitionOf);
  await Promise.all([
    loadCatalog(catalogs, data.products),
    ...[...cities].map(([id, sql]) => loadCity(sql, id, fragments.get(id)!, data.clients.length)),
  ]);
}

/** The first node gets the data, and the others copy it. A node that was lost does so too. */
async function loadCatalog(
  catalogs: SampleDatabases["catalogs"],
  products: readonly SampleProduct[],
): Promise<void> {
  const [[node, catalog], ...others] = [...catalogs] as [[string | null, Sql], ...[string, Sql][]];
  for (const [, other] of others) if (await hasRows(other`select from operation limit 1`)) return;
  await catalog.begin(async (sql) => {
    await sql`lock table product in share row exclusive mode`;
    if (await hasRows(sql`select from product limit 1`)) return;
    const rows = products.map(({ id, name, description, price }) => {
      const at = dayOf(Number(id) - FIRST_PRODUCT_NUMBER);
      return { id, name, description, price, created_at: at, updated_at: at };
    });
    // Its history says where the data was first.
    if (node !== null) await sql`update this_node set id = ${node}`;
    await sql`insert into product ${sql(rows)}`;
    await sql`select setval('product_number', ${FIRST_PRODUCT_NUMBER + products.length - 1})`;
  });
}

async function loadCity(
  city: Sql,
  cityId: string,
  { clients, stock }: CityFragment,
  lastNumber: number,
): Promise<void> {
  await city.begin(async (sql) => {
    await sql`lock table client, stock in share row exclusive mode`;
    if (await hasRows(sql`select from client union all select from stock limit 1`)) return;
    await insertClients(sql, clients);
    await topUpWallets(sql, clients);
    await insertStock(sql, WAREHOUSES.get(cityId) ?? cityId, stock);
    // Every city's sequence goes past the sample, so that no new client gets the number of a sample client.
    await sql`select setval('client_number', ${lastNumber})`;
  });
}

async function insertClients(sql: Queryable, clients: CityFragment["clients"]): Promise<void> {
  const rows = clients.map(({ id, number, name, email, town }) => {
    return { id, name, email, town, registered_at: dayOf(number - 1) };
  });
  if (rows.length > 0) await sql`insert into client ${sql(rows)}`;
}

/** Tops up through the ledger, as every change of money, on the day of the client's registration. */
async function topUpWallets(sql: Queryable, clients: CityFragment["clients"]): Promise<void> {
  for (const { id, number } of clients) {
    const amount = TOP_UPS.get(number);
    if (amount === undefined) continue;
    await sql`select top_up_wallet(${id}, ${amount}, 'sample', ${BALANCE_MAX}, ${dayOf(number - 1)})`;
  }
}

async function insertStock(sql: Queryable, warehouse: string, stock: CityFragment["stock"]): Promise<void> {
  if (stock.length === 0) return;
  const levels = stock.map(({ productId, onHand }) => ({
    product_id: productId,
    warehouse,
    on_hand: onHand,
  }));
  await sql`insert into stock ${sql(levels)}`;
  const movements = stock.map(({ productId, onHand }) => {
    return { product_id: productId, reason: "RESTOCKED", on_hand_change: onHand, reserved_change: 0 };
  });
  await sql`insert into stock_movement ${sql(movements)}`;
}

async function hasRows(rows: Promise<readonly object[]>): Promise<boolean> {
  return (await rows).length > 0;
}

function dayOf(index: number): Date {
  return new Date(FIRST_DAY_MS + index * DAY_MS);
}
