/**
 * Goal: operators see the nodes of the catalog in the graph, pause, resume and compare them, and the tour of
 * the nodes is true. Method: two nodes with servers of their own, and the catalog's service at each.
 */
import { readFile } from "node:fs/promises";
import { startCatalog } from "@teranga/catalog/service.ts";
import { readSampleData } from "@teranga/infra/sample-data.ts";
import { createTransport } from "@teranga/kit/http/transport.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import { Registry } from "@teranga/kit/process/metrics.ts";
import type { RunningService } from "@teranga/kit/process/run-service.ts";
import { parseTopology } from "@teranga/kit/topology/topology.ts";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { CatalogNodes } from "./harness/catalog-nodes.ts";

const CREDENTIAL = "credential-of-the-tests";
const SOON = { timeout: 20_000, interval: 50 };
const nodes = new CatalogNodes();
const services: RunningService[] = [];
const registry = new Registry();
const transport = createTransport({ credential: CREDENTIAL, isService: true });

beforeAll(async () => {
  const { products } = await readSampleData();
  for (const name of ["dakar", "thies"]) {
    await nodes.start(name);
    await nodes.connect();
    await nodes.get(name).manager.joined;
    // As a fresh cluster has them.
    const rows = products.map(({ id, name, description, price }) => ({ id, name, description, price }));
    if (name === "dakar") await nodes.sql(name)`insert into product ${nodes.sql(name)(rows)}`;
  }
  await nodes.sql("dakar")`select setval('product_number', 150)`;
  const topology = parseTopology(`
subgraphs:
  catalog: { nodes: { dakar: ${placeOf("dakar", 1)}, thies: ${placeOf("thies", 2)} } }
  city: { partitions: { dakar: { name: Dakar, default: true, location: { latitude: 1, longitude: 1 }, urls: ["http://x"] } } }
`);
  const log = createLogger("catalog", "silent");
  for (const node of ["dakar", "thies"]) {
    const databaseUrl = nodes.get(node).server.url("catalog");
    const own = node === "dakar" ? { registry } : {};
    services.push(
      await startCatalog({ databaseUrl, node, topology, credential: CREDENTIAL, port: 0, log, ...own }),
    );
  }
  // Each service has a manager of its own.
  await Promise.all([...nodes.nodes.values()].map(({ manager }) => manager.close()));
}, 60_000);
afterAll(async () => {
  await transport.close();
  await Promise.all(services.map((service) => service.close()));
  await nodes.close();
}, 60_000);

const placeOf = (name: string, port: number) =>
  `{ url: "http://127.0.0.1:${port}/graphql", database: "postgres://127.0.0.1:${nodes.get(name).server.port}/catalog" }`;

// biome-ignore lint/suspicious/noExplicitAny: a test knows the shape of what it asks for
async function ask(query: string, node = 0): Promise<any> {
  const { url } = services[node]!;
  const { data, errors } = await transport.send(url, { query, variables: {} }, { headers: {} });
  expect(errors).toBeUndefined();
  return data;
}

const STATES = "{ catalogNodes { name state answers paused note links { from state lagBytes lagMs } } }";

test("each node with its links, and as metrics", async () => {
  await vi.waitFor(async () => {
    const { catalogNodes } = await ask(STATES);
    expect(catalogNodes).toEqual([
      {
        name: "dakar",
        state: "JOINED",
        answers: true,
        paused: false,
        note: null,
        links: [{ from: "thies", state: "STREAMING", lagBytes: 0, lagMs: expect.any(Number) }],
      },
      {
        name: "thies",
        state: "JOINED",
        answers: false,
        paused: false,
        note: null,
        links: [{ from: "dakar", state: "STREAMING", lagBytes: 0, lagMs: expect.any(Number) }],
      },
    ]);
  }, SOON);
  const metrics = await registry.metrics();
  expect(metrics).toContain('teranga_catalog_link_up{from="thies"} 1');
  expect(metrics).toContain("teranga_catalog_refused_operations 0");
});

const STEP = /(?:<!-- (.+) -->\n)?```sh\nat (dakar|thies) '([^']*)'\n```\n\n```json\n([\s\S]*?)```/g;

test("the tour of the nodes has the answers that it shows", async () => {
  const page = await readFile(new URL("../docs/tour-nodes.md", import.meta.url), "utf8");
  const steps = [...page.matchAll(STEP)];
  expect(steps).toHaveLength(page.match(/^at /gm)!.length);
  for (const [, note, node, question, answer] of steps) {
    const asTold = async () => {
      const data = await ask(question!, node === "dakar" ? 0 : 1);
      expect({ data }, question).toEqual(JSON.parse(answer!));
    };
    await (note === "within seconds" ? vi.waitFor(asTold, SOON) : asTold());
    if (question!.includes("pauseReplication")) await untilCut();
  }
  const metrics = await registry.metrics();
  expect(metrics).toContain('teranga_catalog_conflicts{kind="Product.name MANUAL RESOLVED"} 1');
  expect(metrics).toContain('teranga_catalog_conflicts{kind="Supplier.phone FIELD_WISE SETTLED"} 1');
  expect(metrics).toContain('teranga_catalog_link_syncs{from="thies"} 3');
  expect(metrics).toContain('teranga_catalog_last_operation{node="dakar"} 56');
  expect(metrics).toContain('teranga_catalog_last_operation{node="thies"} 4');
  expect(metrics).toMatch(/^teranga_catalog_resolution_seconds \d/m);
}, 60_000);

/** A worker that is told to end may apply one more operation. */
const untilCut = () =>
  vi.waitFor(async () => {
    for (const name of ["dakar", "thies"])
      expect(await nodes.sql(name)`select from pg_stat_subscription where pid is not null`).toEqual([]);
  }, SOON);

test("what is paused, is told as such, is on its way, and has come when it is resumed", async () => {
  const pause = (mutation: string, node: string) =>
    ask(
      `mutation { ${mutation}(input: { node: "${node}" }) { __typename ... on ReplicationChanged { node paused } } }`,
    );
  expect(await pause("pauseReplication", "nowhere")).toEqual({
    pauseReplication: { __typename: "UnknownCatalogNode" },
  });
  expect(await pause("pauseReplication", "thies")).toEqual({
    pauseReplication: { __typename: "ReplicationChanged", node: "thies", paused: true },
  });
  await untilCut();
  await nodes.sql("thies")`insert into product (name, description, price) values ('Thé', '', 1)`;
  const sync = `mutation { syncNow(input: { waitMs: 1000 }) {
    ... on CatalogSynced { nodes } ... on CatalogBehind { behind { from to } }
  } }`;
  expect(await ask(sync)).toMatchObject({
    syncNow: { behind: expect.arrayContaining([{ from: "thies", to: "dakar" }]) },
  });
  const compared = "{ catalogDivergence { agrees missing rows onTheirWay differing { id } } }";
  expect(await ask(compared)).toEqual({
    catalogDivergence: { agrees: false, missing: [], rows: 52, onTheirWay: 1, differing: [] },
  });
  await pause("resumeReplication", "thies");
  await vi.waitFor(async () => {
    expect(await ask(sync)).toEqual({ syncNow: { nodes: ["dakar", "thies"] } });
    expect(await ask(compared)).toEqual({
      catalogDivergence: { agrees: true, missing: [], rows: 52, onTheirWay: 0, differing: [] },
    });
  }, SOON);
});

test("a row that differs though both have its operations is named", async () => {
  await nodes.sql("dakar").begin(async (begun) => {
    await begun`set local session_replication_role = replica`;
    await begun`update product set price = 2 where name = 'Thé'`;
  });
  const { catalogDivergence } = await ask(
    "{ catalogDivergence { agrees agreement differing { entity id versions { node digest } } } }",
  );
  expect(catalogDivergence).toMatchObject({
    agrees: false,
    agreement: 1 - 1 / 52,
    differing: [
      { entity: "Product", id: expect.any(String), versions: [{ node: "dakar" }, { node: "thies" }] },
    ],
  });
  const [one, other] = catalogDivergence.differing[0].versions;
  expect(one.digest).not.toBe(other.digest);
});
