/**
 * Goal: with replicas of its database a service never answers older than its caller has seen, whatever
 * happens to them. Method: two real services over a real primary and its streaming replica.
 */

import { startCatalog } from "@teranga/catalog/service.ts";
import { TOPOLOGY_FILE } from "@teranga/catalog/testing.ts";
import type { RunningPostgres } from "@teranga/infra/postgres-process.ts";
import { startTestPostgres, startTestReplica } from "@teranga/infra/test-postgres.ts";
import { createTransport } from "@teranga/kit/http/transport.ts";
import { openDatabase, type Sql } from "@teranga/kit/postgres/database.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import type { RunningService } from "@teranga/kit/process/run-service.ts";
import type { Position } from "@teranga/kit/reads/position.ts";
import { parseRanges, printPositions } from "@teranga/kit/reads/read-headers.ts";
import { parseTopology, type Topology } from "@teranga/kit/topology/topology.ts";
import { afterAll, beforeAll, expect, inject, test, vi } from "vitest";

const CREDENTIAL = "credential-of-the-tests";
const STALENESS_MS = 1_000;
const transport = createTransport({ credential: CREDENTIAL, isService: true });
let primary: RunningPostgres;
let replica: RunningPostgres;
/** Two instances of the service. */
let services: RunningService[];
let productId: string;

const topologyOf = (replicas: Record<string, string>, synchronous = false) =>
  parseTopology(
    `${TOPOLOGY_FILE}  catalog: { replicas: ["http://127.0.0.1:4/"], database: ${JSON.stringify({ replicas, synchronous })} }\n`,
  );

/** Without user and password. */
const bare = (url: string) => url.replace(/\/\/[^/]*@/, "//");

function start(options: { databaseUrl?: string; topology?: Topology } = {}) {
  return startCatalog({
    databaseUrl: primary.url("catalog"),
    topology: topologyOf({ "catalog-2": bare(replica.url("catalog")) }),
    ...options,
    credential: CREDENTIAL,
    port: 0,
    log: createLogger("catalog", "fatal"),
    stalenessMs: STALENESS_MS,
  });
}

async function on<Result>(url: string, run: (sql: Sql) => Promise<Result>): Promise<Result> {
  const { sql, close } = openDatabase({ url, applicationName: "test", connections: 1 });
  try {
    return await run(sql);
  } finally {
    await close();
  }
}

const pause = () => on(replica.url("postgres"), (sql) => sql`select pg_wal_replay_pause()`);
const resume = () => on(replica.url("postgres"), (sql) => sql`select pg_wal_replay_resume()`);

beforeAll(async () => {
  primary = await startTestPostgres();
  await on(primary.url("postgres"), (sql) => sql`create database catalog`);
  replica = await startTestReplica(primary, "catalog-2");
  services = [await start(), await start()];
  const { data } = await ask(
    0,
    `mutation { createProduct(input: { name: "Bowl", description: "", price: 1 }) {
    ... on ProductCreated { product { id } } } }`,
  );
  productId = (data!.createProduct as { product: { id: string } }).product.id;
});
afterAll(async () => {
  await transport.close();
  for (const service of services) await service.close();
  await replica.stop();
  await primary.stop();
});

async function ask(service: number, query: string, readAfter = "primary") {
  const headers = { "x-read-after": readAfter };
  const { data, errors, notes } = await transport.send(services[service]!.url, { query }, { headers });
  return { data, errors, from: notes?.readFrom, range: parseRanges(notes?.positions ?? "").get("catalog") };
}

/** Sets the price. Returns the session's position. */
async function write(price: number, service = 0): Promise<Position> {
  const { errors, range } = await ask(
    service,
    `mutation { updateProduct(input: { id: "${productId}", price: ${price} }) { __typename } }`,
  );
  expect(errors).toBeUndefined();
  return range!.upTo;
}

async function read(seen: Position | undefined, service = 0) {
  const readAfter = seen ? printPositions(new Map([["catalog", seen]])) : "";
  const { data, errors, from, range } = await ask(
    service,
    `{ product(id: "${productId}") { price } }`,
    readAfter,
  );
  expect(errors).toBeUndefined();
  return { price: Number((data!.product as { price: unknown }).price), from, range: range! };
}

const notesOf = async (service = 0): Promise<string[]> => {
  const response = await fetch(services[service]!.url.replace("/graphql", "/health/ready"));
  return ((await response.json()) as { notes?: string[] }).notes ?? [];
};

test("a read after a write comes from the replica, and shows it, at either instance", async () => {
  await vi.waitFor(async () => expect((await read(await write(10))).from).toBe("replica catalog-2"));
  const from = new Map<string, number>();
  for (let price = 11; price < 41; price++) {
    const seen = await write(price, price % 2);
    const answer = await read(seen, (price + 1) % 2);
    expect(answer.price).toBe(price);
    expect(answer.range.includes.lsn).toBeGreaterThanOrEqual(seen.lsn);
    from.set(answer.from!, (from.get(answer.from!) ?? 0) + 1);
  }
  expect(from.get("replica catalog-2")).toBeGreaterThan(0);
});

test("a caller that has seen nothing is answered by a replica that is fresh", async () => {
  await vi.waitFor(async () => expect((await read(undefined)).from).toBe("replica catalog-2"), {
    timeout: 5_000,
  });
});

test("while the replica does not replay, what was written is read from the primary", async () => {
  await pause();
  try {
    for (let price = 100; price < 120; price++) {
      const seen = await write(price);
      const answer = await read(seen, 1);
      expect([answer.price, answer.from]).toEqual([price, "primary behind"]);
    }
    await vi.waitFor(async () => expect((await read(undefined)).from).toBe("primary stale"), {
      timeout: 5_000,
    });
    // What it has seen is there, but the replica has stood still for longer than an answer may be old.
    expect((await read({ timeline: 1, lsn: 2 })).from).toBe("primary stale");
    expect((await read({ timeline: 1, lsn: 2 ** 52 })).from).toBe("primary behind");
    expect((await read({ timeline: 9, lsn: 1 })).from).toBe("primary other-timeline");
  } finally {
    await resume();
  }
});

test("the graph says who answers, and how far the replicas are", async () => {
  const replication = "{ catalogReplication { role replicas { name state lagBytes lagMs } } }";
  await vi.waitFor(async () => {
    const { data } = await ask(0, replication, "");
    expect(data!.catalogReplication).toEqual({
      role: "REPLICA",
      replicas: [
        { name: "catalog-2", state: "FRESH", lagBytes: expect.any(Number), lagMs: expect.any(Number) },
      ],
    });
  });
  const metrics = await (await fetch(services[0]!.url.replace("/graphql", "/metrics"))).text();
  expect(metrics).toMatch(/^teranga_reads_total\{source="replica",reason=""\} [1-9]/m);
  expect(metrics).toMatch(/^teranga_causal_waits_total\{result="replayed"\} [1-9]/m);
  expect(metrics).toMatch(/^teranga_replica_lag_seconds\{replica="catalog-2"\} \d/m);
});

test("a replica that is away, back, and away again fails no read", async () => {
  let over = false;
  const reading = (async () => {
    let count = 0;
    for (let seen = await write(200); !over; count++) {
      const answer = await read(seen, count % 2);
      expect(answer.price).toBe(200);
      seen = answer.range.upTo;
    }
    return count;
  })();
  const kill = () =>
    on(
      replica.url("postgres"),
      (sql) =>
        sql`select pg_terminate_backend(pid) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()`,
    );
  for (let times = 0; times < 5; times++) await kill();
  await replica.stop();
  expect((await read(undefined)).price).toBe(200);
  replica = await startTestReplica(primary, "catalog-2");
  over = true;
  expect(await reading).toBeGreaterThan(10);
  const topology = topologyOf({ "catalog-2": bare(replica.url("catalog")) });
  for (const service of services) await service.setTopology(topology);
  await vi.waitFor(async () => expect((await read(await write(201))).from).toBe("replica catalog-2"), {
    timeout: 5_000,
  });
});

test("a URL that leads elsewhere is said in one line, and answers no read", async () => {
  await on(primary.url("postgres"), (sql) => sql`create database other`);
  const urls = {
    own: primary.url("catalog"),
    other: replica.url("other"),
    foreign: inject("postgresUrl"),
    nothing: "postgres://127.0.0.1:9/catalog",
  };
  const bared = Object.fromEntries(Object.entries(urls).map(([name, url]) => [name, bare(url)]));
  const itself = topologyOf({ itself: bared.own! });
  expect(() => services[1]!.setTopology(itself)).toThrow(
    /^Topology: database\.replicas\.itself has the URL of DATABASE_URL \(127\.0\.0\.1:\d+\/catalog\)$/,
  );
  // Another name of the server is known only when it is asked.
  bared.own = bared.own!.replace("127.0.0.1", "localhost");
  await services[1]!.setTopology(topologyOf(bared, true));
  await vi.waitFor(
    async () => {
      expect(await notesOf(1)).toEqual([
        "the replica own is not used: its URL leads to the primary itself",
        expect.stringMatching(
          /^the replica other (does not answer|is not used): its (database is not this service's|URL leads to another database)$/,
        ),
        expect.stringMatching(/^the replica foreign (does not answer|is not used): /),
        "the replica nothing does not answer: ECONNREFUSED",
        expect.stringMatching(/^the topology says that commits are synchronous, but /),
      ]);
    },
    { timeout: 5_000 },
  );
  const seen = await write(300, 1);
  for (const position of [seen, undefined])
    expect(await read(position, 1)).toMatchObject({ price: 300, from: "primary unreachable" });
  await services[1]!.setTopology(topologyOf({ "catalog-2": bare(replica.url("catalog")) }));
  expect(await notesOf(1)).toEqual([]);
});

test("a replica that is promoted takes the writes, and what was seen before is read from it", async () => {
  const before = await write(400);
  await vi.waitFor(async () => expect((await read(before)).from).toBe("replica catalog-2"));
  await primary.stop();
  const { errors } = await ask(
    0,
    `mutation { updateProduct(input: { id: "${productId}", price: 401 }) { __typename } }`,
  );
  expect(errors?.[0]).toMatchObject({ extensions: { code: "SUBGRAPH_UNAVAILABLE", subgraph: "catalog" } });
  expect(errors?.[0]?.message).toMatch(/may be sent again/);
  expect((await read(before)).price).toBe(400);
  await replica.promote();
  await vi.waitFor(() => Promise.all([write(402), write(402, 1)]), { timeout: 10_000 });
  const after = await write(403, 1);
  expect(after.timeline).toBe(2);
  for (const service of [0, 1]) {
    expect(await read(before, service)).toMatchObject({
      price: 403,
      from: expect.stringMatching(/^primary/),
    });
    expect((await read(after, service)).price).toBe(403);
  }
});

test("a start whose DATABASE_URL names a replica finds the primary, which no old one takes the place of", async () => {
  // What an earlier version has left: nothing that tells positions.
  await on(replica.url("catalog"), async (sql) => {
    await sql`drop function wal_position`;
    await sql`delete from function_file`;
  });
  const third = await startTestReplica(replica, "catalog-3");
  const topology = topologyOf({ "catalog-2": bare(replica.url("catalog")) });
  services.push(await start({ databaseUrl: third.url("catalog"), topology }));
  try {
    expect((await write(500, 2)).timeline).toBe(2);
    await third.promote();
    await vi.waitFor(async () => expect((await write(501, 2)).timeline).toBe(3), { timeout: 10_000 });
  } finally {
    await third.stop();
  }
  // The primary of before still runs, without the last write.
  for (let looks = 0; looks < 6; looks++) {
    const { data, errors } = await ask(2, `{ product(id: "${productId}") { price } }`);
    expect([data?.product ?? null, errors?.[0]?.extensions?.code]).toEqual([null, "SUBGRAPH_UNAVAILABLE"]);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
});
