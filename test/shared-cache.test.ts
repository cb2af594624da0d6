/**
 * Goal: gateways with one Redis fetch for one another, and a change by `psql` reaches all of them, also while
 * Redis dies and comes back. Method: the whole graph, two gateways and a real Redis.
 */
import { startGateway } from "@teranga/gateway/gateway.ts";
import { topologyText } from "@teranga/infra/cities.ts";
import type { RunningServer } from "@teranga/kit/http/listen.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import { parseTopology } from "@teranga/kit/topology/topology.ts";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { startRedis, type TestRedis, until } from "../kit/test/redis.ts";
import { CREDENTIAL, type Graph, OPERATOR, startGraph } from "./harness/graph.ts";

describe.skipIf(inject("redisMissing") !== null)("a cache that two gateways share", () => {
  let redis: TestRedis;
  let graph: Graph;
  const gateways: RunningServer[] = [];

  beforeAll(async () => {
    redis = await startRedis();
    graph = await startGraph({ redis: redis.target });
    const urlOf = (process: string) => graph.serviceUrl(process.replace(/^city-/, ""));
    const source = { kind: "topology" as const, topology: parseTopology(topologyText(urlOf)) };
    const log = createLogger("test", "silent");
    const shared = {
      source,
      credential: CREDENTIAL,
      identity: OPERATOR,
      redis: redis.target,
      cacheBytesMax: 1_000_000,
      port: 0,
      log,
    };
    for (let count = 0; count < 2; count++) gateways.push(await startGateway(shared));
  });
  afterAll(async () => {
    for (const gateway of gateways) await gateway.close();
    await graph?.close();
    await redis?.stop();
  });

  const read = async (gateway: number, id = "101"): Promise<string> => {
    const response = await fetch(gateways[gateway]!.url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query: "query ($id: ID!) { product(id: $id) { name } }", variables: { id } }),
    });
    const { data } = (await response.json()) as { data: { product: { name: string } } };
    return data.product.name;
  };
  const rename = (name: string) => graph.catalogSql`update product set name = ${name} where id = '101'`;
  /** Whether a read is answered without the database. */
  const isKept = async (gateway: number, id = "101") => {
    const before = graph.statements.catalog!.length;
    await read(gateway, id);
    return graph.statements.catalog!.length === before;
  };

  const entries = async () => (await redis.command<string[]>("KEYS", "teranga:*:entry:*")).length;

  it("gives one gateway what the other has fetched", async () => {
    await until("both keep", async () => (await isKept(0)) && (await isKept(1)));
    // What was never read through the second.
    const ids = ["102", "103", "104", "105", "106", "107", "108"].values();
    await until("one has what the other has fetched", async () => {
      const { value: id } = ids.next();
      await read(0, id);
      await until("it is in Redis", async () => (await entries()) > 0);
      return isKept(1, id);
    });
  });

  it("shows a change by psql in both, whether Redis is there, dies or comes back", async () => {
    for (let round = 0; round < 12; round++) {
      if (round === 4) await redis.kill();
      if (round === 8) await redis.restart();
      const name = `Round ${round}`;
      await rename(name);
      for (const gateway of [0, 1]) {
        await until(`gateway ${gateway} shows ${name}`, async () => (await read(gateway)) === name);
      }
      for (let i = 0; i < 10; i++) expect(await read(i % 2)).toBe(name);
    }
    await until("it is kept again", async () => (await isKept(0)) && (await isKept(1)));
  });
});
