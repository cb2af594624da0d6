/**
 * Goal: a change is known to whoever keeps copies, whoever writes it; so is a gap in what was told. Method:
 * the catalog over a real server that is stopped and started, and the gateway's feed and memory tier.
 */
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startCatalog } from "@teranga/catalog/service.ts";
import { ChangeFeed } from "@teranga/gateway/cache/feed/change-feed.ts";
import { MemoryTier } from "@teranga/gateway/cache/memory-tier.ts";
import { PlaceHistory } from "@teranga/gateway/cache/place-history.ts";
import { topologyText } from "@teranga/infra/cities.ts";
import { startPostgres } from "@teranga/infra/postgres.ts";
import { removeDataDirectory } from "@teranga/infra/postgres-data.ts";
import { createChangesClient } from "@teranga/kit/outbox/changes-client.ts";
import { type Database, openDatabase } from "@teranga/kit/postgres/database.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import type { RunningService } from "@teranga/kit/process/run-service.ts";
import type { Position } from "@teranga/kit/reads/position.ts";
import { parseTopology } from "@teranga/kit/topology/topology.ts";
import { afterAll, beforeAll, expect, test } from "vitest";

const CREDENTIAL = "credential-of-the-tests";
const log = createLogger("test", "silent");

let directory: string;
let postgres: Awaited<ReturnType<typeof startPostgres>>;
let catalog: RunningService;
/** Somebody who is no service. */
let psql: Database;
const closings: (() => Promise<unknown>)[] = [];

const start = async (port = 0) => {
  postgres = await startPostgres({ directory, port, password: "test", log, durable: false });
};

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "teranga-changes-"));
  await start();
  const databaseUrl = await postgres.ensureDatabase("catalog");
  const topology = parseTopology(topologyText(() => "http://127.0.0.1:9/graphql"));
  catalog = await startCatalog({ databaseUrl, topology, credential: CREDENTIAL, port: 0, log });
  psql = openDatabase({ url: databaseUrl, applicationName: "psql", connections: 2 });
});
afterAll(async () => {
  for (const close of closings) await close();
  await psql.close();
  await catalog.close();
  await postgres.stop();
  await removeDataDirectory(directory);
});

const flushed = async (): Promise<number> =>
  (await psql.sql`select (pg_current_wal_flush_lsn() - '0/0')::bigint as lsn`)[0]!.lsn;

/** A gateway's cache. What it keeps is read from the database by a test. */
function startCache() {
  const history = new PlaceHistory();
  const memory = new MemoryTier({ history, bytesMax: 1_000_000, nowMs: Date.now });
  const { get, close } = createChangesClient(CREDENTIAL);
  const drops: Position[] = [];
  let confirmed = 0;
  let hear = () => {};
  const cache = {
    invalidate: history.invalidate.bind(history),
    dropPlace(place: string, position: Position) {
      drops.push(position);
      history.dropPlace(place, position);
    },
    confirm(place: string, position: Position) {
      history.confirm(place, position);
      confirmed = position.lsn;
      hear();
    },
  };
  const feed = new ChangeFeed({ get, cache, log, nowMs: () => performance.now() });
  feed.setTopology(parseTopology(`subgraphs: { catalog: { replicas: ["${catalog.url}"] } }`));
  feed.follow("catalog");
  closings.push(feed.close.bind(feed), close);
  const until = async (isSo: () => boolean) => {
    while (!isSo())
      await new Promise<void>((resolve) => {
        hear = resolve;
      });
  };
  const entryOf = async (key: string, tags: string[]) => {
    const at = { timeline: 1, lsn: await flushed() };
    const endsAtMs = Date.now() + 3_600_000;
    const entry = { json: "{}", range: { includes: at, upTo: at }, tags, refreshAtMs: endsAtMs, endsAtMs };
    return { key, entry };
  };
  return {
    feed,
    drops,
    entryOf,
    keep: async (key: string, tags: string[]) =>
      memory.put("catalog", await entryOf(key, tags), history.begin()),
    put: (fill: Awaited<ReturnType<typeof entryOf>>) => memory.put("catalog", fill, history.begin()),
    has: (key: string, after?: Position) => memory.get("catalog", key, after) !== undefined,
    /** Waits for the feed's answers until something is so. */
    until,
    /** Waits until all that was changed so far was told. */
    async caughtUp() {
      const end = await flushed();
      await until(() => feed.mayServe("catalog") && confirmed >= end);
    },
  };
}

const insert = (name: string) =>
  psql.sql`insert into product (name, description, price) values (${name}, '', 1) returning id`;

test("a change by psql makes its row and the lists outdated, and nothing else", async () => {
  const [[one], [two]] = await Promise.all([insert("One"), insert("Two")]);
  const { caughtUp, keep, has, until } = startCache();
  await caughtUp();
  await keep("one", [`Product:${one!.id}`]);
  await keep("two", [`Product:${two!.id}`]);
  await keep("list", ["Product"]);
  expect([has("one"), has("two"), has("list")]).toEqual([true, true, true]);
  await psql.sql`update product set price = 2 where id = ${one!.id}`;
  await until(() => !has("one"));
  expect([has("two"), has("list")]).toEqual([true, false]);
});

test("a copy that was read before the change was committed, or before others saw it, is not taken afterwards", async () => {
  const [product] = await insert("Three");
  const { caughtUp, entryOf, put, keep, has, until } = startCache();
  await caughtUp();
  await keep("other", [`Product:${product!.id}`]);
  let copy: Awaited<ReturnType<typeof entryOf>> | undefined;
  await psql.sql.begin(async (sql) => {
    await sql`update product set price = 3 where id = ${product!.id}`;
    copy = await entryOf("three", [`Product:${product!.id}`]);
  });
  // What a reader is told at that moment may be the very end of the commit.
  const atTheEnd = await entryOf("three", [`Product:${product!.id}`]);
  await until(() => !has("other"));
  expect([put(copy!), put(atTheEnd)]).toEqual(["stale", "stale"]);
  expect(await keep("three", [`Product:${product!.id}`])).toBe("kept");
});

test("what was kept serves callers that have seen later positions, once it is known that nothing has changed", async () => {
  const [product] = await insert("Four");
  const { caughtUp, keep, has, until } = startCache();
  await caughtUp();
  await keep("four", [`Product:${product!.id}`]);
  await insert("Five");
  const seen = { timeline: 1, lsn: await flushed() };
  await until(() => has("four", seen));
});

test("while the database is away nothing is served, and after its start what was kept is gone", async () => {
  const { feed, caughtUp, drops, keep, has, until } = startCache();
  await caughtUp();
  await keep("place", []);
  const { port } = postgres;
  await postgres.stop();
  while (feed.mayServe("catalog")) await new Promise(setImmediate);
  await start(port);
  await until(() => feed.mayServe("catalog"));
  expect([has("place"), drops.length]).toEqual([false, 2]);
  await keep("place", []);
  await insert("Six");
  await until(() => !has("place"));
});
