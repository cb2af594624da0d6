/**
 * Goal: the real services tell where their answers were read, and a session leads from one gateway to
 * another. Method: the whole graph, and two gateways whose topology says that Dakar and the catalog have
 * replicas.
 */
import { surfaceOf } from "@teranga/gateway/door/surface.ts";
import { startGateway } from "@teranga/gateway/gateway.ts";
import { TokenSeal } from "@teranga/gateway/session/session-token.ts";
import { topologyText } from "@teranga/infra/cities.ts";
import type { RunningServer } from "@teranga/kit/http/listen.ts";
import type { Sql } from "@teranga/kit/postgres/database.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import { parseTopology, type Topology } from "@teranga/kit/topology/topology.ts";
import { withSession } from "@teranga/schema/client/session.ts";
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { CREDENTIAL, type Graph, OPERATOR, startGraph } from "./harness/graph.ts";

let graph: Graph;
const gateways: RunningServer[] = [];

beforeAll(async () => {
  graph = await startGraph();
  await startGateways(gateways);
});
afterAll(async () => {
  for (const gateway of gateways) await gateway.close();
  await graph?.close();
});

async function startGateways(into: RunningServer[], cacheBytesMax = 0): Promise<void> {
  const topology = tracked(
    parseTopology(topologyText((process) => graph.serviceUrl(process.replace(/^city-/, "")))),
  );
  for (let count = 0; count < 2; count++) {
    into.push(
      await startGateway({
        source: { kind: "topology", topology },
        credential: CREDENTIAL,
        identity: OPERATOR,
        log: createLogger("test", "silent"),
        surface: surfaceOf("development"),
        cacheBytesMax,
        port: 0,
      }),
    );
  }
}

/** Only the gateways are told of replicas. The services answer from their primaries. */
function tracked({ placements }: Topology): Topology {
  const database = { replicas: [{ name: "second", url: "postgres://nowhere:5432/x" }], synchronous: false };
  const all = [...placements.values()].map((placement) => {
    if (placement.kind === "replicas")
      return placement.subgraph === "catalog" ? { ...placement, database } : placement;
    const partitions = placement.partitions.map((each) =>
      each.id === "dakar" ? { ...each, database } : each,
    );
    return { ...placement, partitions };
  });
  return { placements: new Map(all.map((placement) => [placement.subgraph, placement])) };
}

interface Fetched {
  subgraph: string;
  partition?: string;
  readFrom: string;
}

/** A client that asks the gateways in turn. */
function client(asked = gateways) {
  let turn = 0;
  const tokens: string[] = [];
  const send = withSession(async (url, init) => {
    const response = await fetch(url, init);
    const token = response.headers.get("teranga-session");
    if (token !== null) tokens.push(token);
    return response;
  });
  const ask = async (query: string) => {
    const headers = { "content-type": "application/json", "x-explain": "true" };
    const url = asked[turn++ % asked.length]!.url;
    const response = await send(url, { method: "POST", headers, body: JSON.stringify({ query }) });
    const { data, errors, extensions } = (await response.json()) as {
      // biome-ignore lint/suspicious/noExplicitAny: a test knows the shape of what it asks for
      data: any;
      errors?: unknown;
      extensions: { explain: { fetches: Fetched[] } };
    };
    expect(errors).toBeUndefined();
    const readFrom = extensions.explain.fetches.map(
      ({ subgraph, partition, readFrom: from }) => `${partition ?? subgraph}: ${from}`,
    );
    return { data, readFrom };
  };
  const seen = () => new TokenSeal(CREDENTIAL).read(tokens.at(-1)!)!;
  return { ask, seen };
}

const flushed = async (sql: Sql) => {
  const [row] = await sql<{ lsn: string }[]>`select (pg_current_wal_flush_lsn() - '0/0')::text as lsn`;
  return Number(row!.lsn);
};

test("a write in a tracked city is in the token, and the next gateway asks for it", async () => {
  const { ask, seen } = client();
  const before = await flushed(graph.sql("dakar"));
  const written = await ask(
    `mutation { updateClient(input: { id: "dakar:1", name: "Read Back" }) { __typename } }`,
  );
  expect(written.data.updateClient).toEqual({ __typename: "ClientUpdated" });
  expect(written.readFrom).toEqual(["dakar: primary write"]);
  const { positions, uncertainUntilMs } = seen();
  expect([...positions.keys()]).toEqual(["city/dakar"]);
  expect(positions.get("city/dakar")!.lsn).toBeGreaterThan(before);
  expect(positions.get("city/dakar")!.lsn).toBeLessThanOrEqual(await flushed(graph.sql("dakar")));
  expect(uncertainUntilMs).toBe(0);
  const read = await ask(`{ client(id: "dakar:1") { name } }`);
  expect(read.data).toEqual({ client: { name: "Read Back" } });
  expect(read.readFrom).toEqual(["dakar: primary no-replica"]);
  expect(seen().positions.get("city/dakar")!.lsn).toBeGreaterThanOrEqual(positions.get("city/dakar")!.lsn);
});

test("a city without replicas is not asked for positions", async () => {
  const { ask } = client();
  expect((await ask(`{ client(id: "thies:1") { name } }`)).readFrom).toEqual(["thies: primary untracked"]);
});

test("a product that is changed is in the token", async () => {
  const { ask, seen } = client();
  const before = await flushed(graph.catalogSql);
  await ask(`mutation { updateProduct(input: { id: "101", price: 449000 }) { __typename } }`);
  expect(seen().positions.get("catalog")!.lsn).toBeGreaterThan(before);
  expect((await ask(`{ product(id: "101") { price } }`)).data).toEqual({ product: { price: 449_000 } });
});

test("an order is in the token for the cities that gave to it, and the next gateway asks for it", async () => {
  const { ask, seen } = client();
  const stock = `{ product(id: "103") { stock { city { id } available } } }`;
  const inDakar = ({ data }: Awaited<ReturnType<typeof ask>>) =>
    data.product.stock.find(({ city }: { city: { id: string } }) => city.id === "dakar").available as number;
  const before = inDakar(await ask(stock));
  const flushedBefore = await flushed(graph.sql("dakar"));
  const input = `{ clientId: "dakar:1", lines: [{ productId: "103", quantity: 1 }], idempotencyKey: "session" }`;
  const { data } = await ask(`mutation { placeOrder(input: ${input}) { __typename } }`);
  expect(data.placeOrder).toEqual({ __typename: "OrderPlaced" });
  const { positions, uncertainUntilMs } = seen();
  expect(positions.get("city/dakar")!.lsn).toBeGreaterThan(flushedBefore);
  expect(uncertainUntilMs).toBe(0);
  const after = await ask(stock);
  expect(inDakar(after)).toBe(before - 1);
  // Not "not-allowed": a replica or the cache may answer a client that knows what it has seen.
  expect(after.readFrom).toContainEqual("dakar: primary no-replica");
});

test("what gateways keep of the catalog is never older than what a client has seen, and SQL outdates it", async () => {
  const keeping: RunningServer[] = [];
  onTestFinished(async () => {
    for (const gateway of keeping) await gateway.close();
  });
  await startGateways(keeping, 1_000_000);
  const read = `{ product(id: "101") { description } }`;
  const { ask } = client(keeping);
  const isKept = () =>
    vi.waitFor(async () => {
      const both = [await ask(read), await ask(read)];
      expect(both.flatMap(({ readFrom }) => readFrom)).toEqual(["catalog: cache", "catalog: cache"]);
    }, 5_000);
  await isKept();
  expect(await (await fetch(new URL("/metrics", keeping[0]!.url))).text()).toMatch(
    /^teranga_gateway_reads_total\{subgraph="catalog",source="cache",reason=""\} [1-9]/m,
  );
  for (let round = 0; round < 20; round++) {
    const input = `{ id: "101", description: "Round ${round}" }`;
    await ask(`mutation { updateProduct(input: ${input}) { __typename } }`);
    expect((await ask(read)).data.product.description).toBe(`Round ${round}`);
  }
  await isKept();
  await graph.sql("catalog")`update product set description = 'By hand' where id = '101'`;
  await vi.waitFor(async () => {
    const anybody = [await client(keeping).ask(read), await client([keeping[1]!]).ask(read)];
    expect(anybody.map(({ data }) => data.product.description)).toEqual(["By hand", "By hand"]);
  }, 5_000);
});
