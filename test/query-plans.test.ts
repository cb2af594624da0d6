/**
 * Goal: no list, search or count reads the whole of a table that grows. Method: PostgreSQL's plans of the
 * services' statements, with real filter values, on 100,000 clients, 30,000 orders and 20,000 products.
 */
import { prepareCatalogDatabase } from "@teranga/catalog/database.ts";
import { countProducts } from "@teranga/catalog/sql/count-products.ts";
import { findConflictsOf } from "@teranga/catalog/sql/find-conflicts-of.ts";
import { findHistory } from "@teranga/catalog/sql/find-history.ts";
import { listConflicts } from "@teranga/catalog/sql/list-conflicts.ts";
import { listProducts } from "@teranga/catalog/sql/list-products.ts";
import { prepareCityDatabase } from "@teranga/city/database.ts";
import { CLIENT_ORDERINGS, countClients, listClients } from "@teranga/city/sql/list-clients.ts";
import { countMovements } from "@teranga/city/sql/list-movements.ts";
import {
  countOrders,
  countOrdersOfClients,
  listOrders,
  ORDER_ORDERINGS,
} from "@teranga/city/sql/list-orders.ts";
import { countTransactions } from "@teranga/city/sql/list-transactions.ts";
import { COUNT_LIMIT } from "@teranga/kit/graphql/connection.ts";
import { type Database, openDatabase, type Queryable, type Sql } from "@teranga/kit/postgres/database.ts";
import { partitionsOf } from "@teranga/kit/topology/topology.ts";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { planOf } from "../kit/test/plans.ts";
import { topologyOf } from "../services/city/test/city-over-wire.ts";

const NAMES = ["query_plans_city", "query_plans_catalog"];
const PAGE = { first: 20, after: null };

let databases: Database[];
let city: Sql;
let catalog: Sql;

beforeAll(async () => {
  await administer(NAMES.map((name) => `create database ${name}`));
  // One connection each, because the test reads the statements that it has prepared.
  databases = NAMES.map((name) =>
    openDatabase({
      url: inject("postgresUrl").replace(/\/postgres$/, `/${name}`),
      applicationName: "test",
      connections: 1,
    }),
  );
  [city, catalog] = databases.map(({ sql }) => sql) as [Sql, Sql];
  await Promise.all([
    prepareCityDatabase(city, "dakar", partitionsOf(topologyOf(), "city")),
    prepareCatalogDatabase(catalog),
  ]);
  await Promise.all([fillCity(), fillCatalog()]);
});
afterAll(async () => {
  await Promise.all(databases.map(({ close }) => close()));
  await administer(NAMES.map((name) => `drop database ${name}`));
});

/** Inserts rows without their rules: the tests look only at how rows are found. */
const CHEAP = `
  set session_replication_role = replica;
  set statement_timeout = 0;
  create or replace function normalise(value text) returns text language sql immutable strict parallel safe return lower(value);`;

async function fillCity(): Promise<void> {
  const [index] = await city`select pg_get_indexdef('client_search'::regclass) as definition`;
  await city.unsafe(`${CHEAP}
    drop index client_search;
    insert into client (id, name, email, town)
      select 'dakar:' || n, md5(n::text), 'client' || n || '@example.org', 'dakar' from generate_series(1, 100000) n;
    ${index!.definition};
    insert into orders (id, client_id, status, total, payment_method, placed_at, cancelled_by, cancelled_at)
      select 'dakar:' || n, 'dakar:' || (n % 1000), 'PLACED', n % 5000, 'WALLET', timestamptz '2026-01-01' + n * interval '1 minute', null, null
      from generate_series(1, 30000) n;
    update orders set status = 'CANCELLED', cancelled_by = id, cancelled_at = placed_at where id in ('dakar:5', 'dakar:20000');
    insert into transaction_decision (transaction_id, kind, state, client_id, idempotency_key, request_hash, answer, decided_at)
      select 'dakar:' || n, 'ORDER', 'COMMITTED', 'dakar:1', n, 'hash', '{}', timestamptz '2026-01-01' + n * interval '1 minute' from generate_series(1, 20000) n;
    insert into stock (product_id, warehouse, on_hand) values ('101', 'w', 0);
    insert into stock_movement (product_id, reason, on_hand_change, reserved_change, transaction_id)
      select '101', 'SOLD', -1, 0, 'dakar:' || n from generate_series(1, 20000) n;
    analyze;`);
}

async function fillCatalog(): Promise<void> {
  await catalog.unsafe(`${CHEAP}
    insert into product (name, description, price, discontinued)
      select md5(n::text), repeat(md5((n * 7)::text), 5), 1 + n % 1000, n in (5, 15000) from generate_series(1, 20000) n;
    insert into conflict (entity, id, field, first_node, first_sequence, winner, losers, strategy, status, opened_at)
      select 'Product', n % 1000, 'name', 'dakar', n, '{}', '[]', 'MANUAL',
        case when n in (5, 15000) then 'OPEN' when n % 2 = 0 then 'SETTLED' else 'RESOLVED' end,
        timestamptz '2026-01-01' + n * interval '1 minute' from generate_series(1, 20000) n;
    set teranga.copying = 'on';
    insert into operation
      select 'dakar', n, 'Product', n % 1000, 'EDIT', '{}', n, '{}', '{}', 1, now() from generate_series(1, 20000) n;
    analyze;`);
}

async function administer(statements: string[]): Promise<void> {
  const server = openDatabase({ url: inject("postgresUrl"), applicationName: "test", connections: 1 });
  for (const statement of statements) await server.sql.unsafe(statement);
  await server.close();
}

/** The reads of an operation: `table` for a scan of a whole table, or the name of an index. */
async function readsOf(sql: Sql, operation: (sql: Queryable) => Promise<unknown>): Promise<string[]> {
  const nodes = await planOf(sql, operation, { run: true });
  return nodes.flatMap((node) => {
    if (node["Index Name"]) return [node["Index Name"]];
    return node["Node Type"] === "Seq Scan" ? [`${node["Relation Name"]}, ${node["Actual Rows"]} rows`] : [];
  });
}

const clients = (search: string) => (sql: Queryable) =>
  listClients(sql, { search }, CLIENT_ORDERINGS.NAME_ASC, { ...PAGE, order: "NAME_ASC" });
const orders = (filter: object, order: keyof typeof ORDER_ORDERINGS) => (sql: Queryable) =>
  listOrders(sql, filter, ORDER_ORDERINGS[order], { ...PAGE, order });
const PRODUCT_NAMES = { column: "name_key", idColumn: "id", direction: "asc" } as const;
const products = (filter: object) => (sql: Queryable) =>
  listProducts(sql, filter, PRODUCT_NAMES, { ...PAGE, order: "NAME_ASC" });

describe("a page reads an index", () => {
  test.each<[string, (sql: Queryable) => Promise<unknown>, string[]]>([
    ["of clients whose name has letters that few have", clients("3c59dc"), ["client_search"]],
    ["of clients whose address has them", clients("Client4711@"), ["client_search"]],
    ["of clients that all have them", clients("EXAMPLE.org"), ["client_by_name"]],
    ["of clients with a letter that nearly all have", clients("a"), ["client_by_name"]],
    [
      "of the few orders that are cancelled",
      orders({ status: "CANCELLED" }, "TOTAL_ASC"),
      ["orders_cancelled_by_time"],
    ],
    [
      "of orders, the cancelled ones by time",
      orders({ status: "CANCELLED" }, "PLACED_AT_DESC"),
      ["orders_cancelled_by_time"],
    ],
    [
      "of orders of some minutes, by total",
      orders({ placedFrom: new Date("2026-01-21T19:50Z") }, "TOTAL_DESC"),
      ["orders_by_time"],
    ],
    ["of orders of a total, by time", orders({ totalMin: 4_999 }, "PLACED_AT_ASC"), ["orders_by_total"]],
  ])("%s", async (_, operation, indexes) => {
    expect(await readsOf(city, operation)).toEqual(indexes);
  });

  test.each<[string, object, string[]]>([
    ["that have two words", { search: "3c59dc e3b0c" }, ["product_search"]],
    ["that are off sale", { discontinued: true }, ["product_discontinued"]],
  ])("of products %s", async (_, filter, indexes) => {
    expect(await readsOf(catalog, products(filter))).toEqual(indexes);
  });

  test.each<[string, (sql: Queryable) => Promise<unknown>, string[]]>([
    ["conflicts", (sql) => listConflicts(sql, null, 20), ["conflict_by_time"]],
    ["the few open conflicts", (sql) => listConflicts(sql, "OPEN", 20), ["conflict_by_status"]],
    ["the conflicts of products", (sql) => findConflictsOf(sql, "Product", ["7", "8"]), ["conflict_pkey"]],
    ["the histories of products", (sql) => findHistory(sql, "Product", ["7", "8"], 20), ["operation_of_row"]],
  ])("of %s", async (_, operation, indexes) => {
    expect(await readsOf(catalog, operation)).toEqual(indexes);
  });
});

describe("a count", () => {
  test.each<[string, (sql: Queryable) => Promise<unknown>, string[]]>([
    ["of a search reads its index", (sql) => countClients(sql, { search: "3c59dc" }), ["client_search"]],
    ["of all clients ends", (sql) => countClients(sql, {}), [`client, ${COUNT_LIMIT} rows`]],
    ["of all orders ends", (sql) => countOrders(sql, {}), [`orders, ${COUNT_LIMIT} rows`]],
  ])("%s", async (_, operation, reads) => {
    expect(await readsOf(city, operation)).toEqual(reads);
  });

  test("says how many there are, or at least are", async () => {
    expect(await countClients(city, { search: "client4711@" })).toBe(1);
    expect(await countClients(city, {})).toBe(COUNT_LIMIT);
    expect(await countOrders(city, { placedFrom: new Date("2026-01-21T19:50Z") })).toBe(11);
    expect(await countOrdersOfClients(city, ["dakar:7", "dakar:0", "dakar:1000"], {})).toEqual([
      { id: "dakar:7", count: 30 },
      { id: "dakar:0", count: 30 },
      { id: "dakar:1000", count: 0 },
    ]);
    expect(await countMovements(city, ["101"])).toEqual([{ id: "101", count: COUNT_LIMIT }]);
    expect(await countTransactions(city, {})).toBe(COUNT_LIMIT);
    expect(await countProducts(catalog, {})).toBe(COUNT_LIMIT);
    expect(await countProducts(catalog, { discontinued: true })).toBe(2);
  });
});

test("letters that few names have are found by their index after many that all have", async () => {
  for (let time = 0; time < 8; time++) await clients("example.org")(city);
  const prepared = await city`
    select from pg_prepared_statements where statement like '%search_key like%' and statement !~ '^explain|pg_prepared'`;
  expect(prepared).toHaveLength(0);
});
