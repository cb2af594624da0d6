/**
 * Goal: what a client has written or seen at one node of the catalog it sees at every other one, through any
 * gateway, while operations are on their way. Method: three real nodes, and two gateways with caches that
 * have different nodes near.
 */
import { startCatalog } from "@teranga/catalog/service.ts";
import { startGateway } from "@teranga/gateway/gateway.ts";
import { topologyText } from "@teranga/infra/cities.ts";
import { freePort } from "@teranga/infra/ports.ts";
import type { RunningPostgres } from "@teranga/infra/postgres-process.ts";
import { startTestPostgres } from "@teranga/infra/test-postgres.ts";
import type { RunningServer } from "@teranga/kit/http/listen.ts";
import { openDatabase, type Sql } from "@teranga/kit/postgres/database.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import type { RunningService } from "@teranga/kit/process/run-service.ts";
import { parseTopology, type Topology } from "@teranga/kit/topology/topology.ts";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { CREDENTIAL, type Graph, OPERATOR, startGraph } from "./harness/graph.ts";

const NAMES = ["dakar", "thies", "louga"];
const log = createLogger("test", "silent");
const SOON = { timeout: 20_000, interval: 50 };
const servers = new Map<string, RunningPostgres>();
let graph: Graph;
const nodes = new Map<string, RunningService>();
const gateways: RunningServer[] = [];
const ports = new Map<string, number>();

/** @param near the node that is asked first */
function topologyFrom(near: string): Topology {
  const urlOf = (process: string) => graph.serviceUrl(process.replace(/^city-/, ""));
  const start = NAMES.indexOf(near);
  const nodes = [...NAMES.slice(start), ...NAMES.slice(0, start)].map((name) => ({
    name,
    url: `http://127.0.0.1:${ports.get(name)}/graphql`,
    database: `postgres://127.0.0.1:${servers.get(name)!.port}/catalog`,
  }));
  const urls = nodes.map(({ url }) => url);
  const placements = new Map(parseTopology(topologyText(urlOf)).placements);
  return { placements: placements.set("catalog", { kind: "replicas", subgraph: "catalog", urls, nodes }) };
}

beforeAll(async () => {
  graph = await startGraph();
  for (const name of NAMES) {
    ports.set(name, await freePort());
    servers.set(name, await startTestPostgres(log, { wal_level: "logical" }));
  }
  const start = async (name: string) => {
    const databaseUrl = await servers.get(name)!.ensureDatabase("catalog");
    const options = { databaseUrl, node: name, topology: topologyFrom(name), credential: CREDENTIAL, log };
    nodes.set(name, await startCatalog({ ...options, port: ports.get(name)! }));
  };
  await Promise.all(NAMES.map(start));
  await Promise.all(NAMES.map(untilReceiving));
  for (const near of ["dakar", "thies"]) {
    const source = { kind: "topology" as const, topology: topologyFrom(near) };
    gateways.push(
      await startGateway({
        source,
        credential: CREDENTIAL,
        identity: OPERATOR,
        cacheBytesMax: 1_000_000,
        port: 0,
        log,
      }),
    );
  }
}, 120_000);

const onDatabase = async <Result>(name: string, run: (sql: Sql) => Promise<Result>): Promise<Result> => {
  const url = servers.get(name)!.url("catalog");
  const { sql, close } = openDatabase({ url, applicationName: "test", connections: 1 });
  return run(sql).finally(close);
};

/** Waits until a node hears of both others. */
const untilReceiving = (name: string) =>
  onDatabase(name, (sql) =>
    vi.waitFor(async () => {
      expect(await sql`select from received_positions() where applied > 0`).toHaveLength(2);
    }, SOON),
  );

afterAll(async () => {
  for (const gateway of gateways) await gateway.close();
  await Promise.all([...nodes.values()].map((node) => node.close()));
  await graph?.close();
  for (const server of servers.values()) await server.stop();
});

interface Client {
  token: string | undefined;
}

async function ask(client: Client, gateway: number, query: string, variables: object = {}) {
  const response = await fetch(gateways[gateway]!.url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(client.token !== undefined && { "teranga-session": client.token }),
    },
    body: JSON.stringify({ query, variables }),
  });
  // biome-ignore lint/suspicious/noExplicitAny: each test knows what it asks for
  const answer = (await response.json()) as { data: any; errors?: unknown };
  client.token = response.headers.get("teranga-session") ?? client.token;
  expect(answer.errors).toBeUndefined();
  return answer.data;
}

const read = async (client: Client, gateway: number, id: string): Promise<string | undefined> =>
  (await ask(client, gateway, "query ($id: ID!) { product(id: $id) { description } }", { id })).product
    ?.description;
const write = (client: Client, gateway: number, id: string, description: string) =>
  ask(
    client,
    gateway,
    "mutation ($input: UpdateProductInput!) { updateProduct(input: $input) { __typename } }",
    {
      input: { id, description },
    },
  );
const create = async (client: Client, gateway: number, name: string): Promise<string> => {
  const create = `mutation ($input: CreateProductInput!) {
    createProduct(input: $input) { ... on ProductCreated { product { id } } } }`;
  return (await ask(client, gateway, create, { input: { name, price: 100 } })).createProduct.product.id;
};

test("what was written through one gateway is read through the other, at another node, every time", async () => {
  const client: Client = { token: undefined };
  const id = await create(client, 0, "Bissap");
  for (let round = 0; round < 20; round++) {
    await write(client, round % 2, id, `Round ${round}`);
    expect(await read(client, (round + 1) % 2, id)).toBe(`Round ${round}`);
    expect(await read(client, round % 2, id)).toBe(`Round ${round}`);
  }
});

test("without a token the other gateway shows it within a moment", async () => {
  const id = await create({ token: undefined }, 0, "Ataya");
  await vi.waitFor(async () => expect(await read({ token: undefined }, 1, id)).toBe(""), SOON);
  await write({ token: undefined }, 0, id, "Strong");
  await vi.waitFor(async () => expect(await read({ token: undefined }, 1, id)).toBe("Strong"), SOON);
});

test("readers go from gateway to gateway, and nothing goes back, while both are written", async () => {
  const writer: Client = { token: undefined };
  const id = await create(writer, 0, "Thiof");
  let isWriting = true;
  const writing = (async () => {
    for (let number = 1; isWriting; number++) await write(writer, number % 2, id, String(number));
  })();
  const reading = [0, 1, 2].map(async (start) => {
    // One that comes without a token may meet an older answer than the one before.
    const client: Client = { token: undefined };
    for (let latest = 0, count = start; count < 40; count++) {
      const seen = Number((await read(client, count % 2, id)) ?? 0);
      expect(seen).toBeGreaterThanOrEqual(latest);
      latest = seen;
    }
  });
  await Promise.all(reading).finally(() => {
    isWriting = false;
  });
  await writing;
});

test("a node that does not receive is passed over for who has seen more, and serves the others", async () => {
  const client: Client = { token: undefined };
  const id = await create(client, 0, "Soumbala");
  await vi.waitFor(async () => expect(await read({ token: undefined }, 1, id)).toBe(""), SOON);
  await onDatabase("thies", async (sql) => {
    const pause = (paused: boolean) => sql`update node_state set paused = ${paused}`;
    await pause(true);
    try {
      await vi.waitFor(async () => {
        expect(await sql`select from pg_stat_subscription where pid is not null`).toHaveLength(0);
      }, SOON);
      await write(client, 0, id, "Cut off");
      expect(await read(client, 1, id)).toBe("Cut off");
      expect(await read({ token: undefined }, 1, id)).toBe("");
    } finally {
      await pause(false);
    }
  });
  await vi.waitFor(async () => expect(await read({ token: undefined }, 1, id)).toBe("Cut off"), SOON);
});
