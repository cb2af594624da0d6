/**
 * The databases of a graph, with the sample data. They are copies of templates that the first graph of a run
 * makes: running all SQL files and loading the data five times would take longer than the rest of a graph's
 * start.
 */
import { randomBytes } from "node:crypto";
import { prepareCatalogDatabase } from "@teranga/catalog/database.ts";
import { prepareCityDatabase } from "@teranga/city/database.ts";
import { CITIES, topologyText } from "@teranga/infra/cities.ts";
import { loadSampleData } from "@teranga/infra/sample-data.ts";
import { type Database, openDatabase, type Sql } from "@teranga/kit/postgres/database.ts";
import { parseTopology, partitionsOf } from "@teranga/kit/topology/topology.ts";
import { inject } from "vitest";

export interface TestDatabase extends Database {
  name: string;
  url: string;
}

/** By owner: `catalog` or a city. */
type TestDatabases = Map<string, TestDatabase>;

const OWNERS = ["catalog", ...CITIES.map(({ id }) => id)];
/** The key of an advisory lock; any number that no other lock on the server uses. */
const TEMPLATES_LOCK = 20_260_101;

export async function createDatabases(): Promise<TestDatabases> {
  const admin = openAdmin();
  await ensureTemplates(admin.sql);
  const run = randomBytes(4).toString("hex");
  const databases = new Map(OWNERS.map((owner) => [owner, open(`${owner}-${run}`)]));
  for (const [owner, { name }] of databases)
    await admin.sql`create database ${admin.sql(name)} template ${admin.sql(templateOf(owner))}`;
  await admin.close();
  return databases;
}

export async function dropDatabases(databases: TestDatabases): Promise<void> {
  const admin = openAdmin();
  for (const { name, close } of databases.values()) {
    await close();
    await admin.sql`drop database ${admin.sql(name)}`;
  }
  await admin.close();
}

const templateOf = (owner: string) => `${owner}-template`;
const openAdmin = () => openDatabase({ url: inject("postgresUrl"), applicationName: "test", connections: 2 });

/** Opens a database. It connects at the first statement. */
function open(name: string): TestDatabase {
  const url = inject("postgresUrl").replace(/\/postgres$/, `/${name}`);
  return { ...openDatabase({ url, applicationName: "test", connections: 2 }), name, url };
}

/**
 * Makes the templates once. Test files run side by side: one makes the templates, and the others wait longer
 * than a service's statement may take.
 */
async function ensureTemplates(admin: Sql): Promise<void> {
  await admin.begin(async (locked) => {
    await locked`set local statement_timeout = 0`;
    await locked`set local idle_in_transaction_session_timeout = 0`;
    await locked`select pg_advisory_xact_lock(${TEMPLATES_LOCK})`;
    const made = await locked`select from pg_database where datname = ${templateOf("catalog")}`;
    if (made.length === 0) await makeTemplates(admin);
  });
}

async function makeTemplates(admin: Sql): Promise<void> {
  const databases = new Map(OWNERS.map((owner) => [owner, open(templateOf(owner))]));
  for (const { name } of databases.values()) await admin`create database ${admin(name)}`;
  // Nothing listens at this URL: the data depends only on the towns.
  const placement = partitionsOf(parseTopology(topologyText(() => "http://127.0.0.1:9/graphql")), "city");
  const catalog = databases.get("catalog")!.sql;
  const cities = new Map(CITIES.map(({ id }) => [id, databases.get(id)!.sql]));
  await prepareCatalogDatabase(catalog);
  await Promise.all([...cities].map(([id, sql]) => prepareCityDatabase(sql, id, placement)));
  await loadSampleData({ catalogs: new Map([[null, catalog]]), cities, partitionOf: placement.partitionOf });
  await Promise.all([...databases.values()].map(({ close }) => close()));
}
