/** A useless answer of the catalog is told apart from no answer. */

import { type SubgraphResponse, TransportError } from "@teranga/kit/http/transport.ts";
import { Instances } from "@teranga/kit/instances/instances.ts";
import { parseTopology } from "@teranga/kit/topology/topology.ts";
import { expect, test } from "vitest";
import { createCatalogClient } from "./catalog-client.ts";

const TOPOLOGY = parseTopology('subgraphs: { catalog: { replicas: ["http://127.0.0.1:9/graphql"] } }');

function answeredBy(send: () => Promise<SubgraphResponse>) {
  const faults: Error[] = [];
  const client = createCatalogClient(TOPOLOGY, {
    instances: new Instances({ send }),
    newId: () => "request-1",
    onFault: (error) => faults.push(error as Error),
  });
  return { client, faults };
}

const error = (code: string) => ({ data: null, errors: [{ message: "the words", extensions: { code } }] });
const AWAY = { extensions: { code: "SUBGRAPH_UNAVAILABLE" } };

test.each<[string, SubgraphResponse, string]>([
  ["an error that is a fault", error("GRAPHQL_VALIDATION_FAILED"), "the words"],
  ["no product at all", { data: {} }, "product"],
  ["a product that is none", { data: { product: { id: 7 } } }, "id"],
])("%s: the catalog is called away, and the fault is told with its cause", async (_, answer, cause) => {
  const { client, faults } = answeredBy(async () => answer);
  await expect(client.hasProduct("7")).rejects.toMatchObject(AWAY);
  expect(faults).toHaveLength(1);
  expect((faults[0]!.cause as Error).message).toContain(cause);
  expect(await client.areSold(["7"])).toEqual([true]);
  expect(faults).toHaveLength(2);
});

test("a catalog that is away, or whose database is, is no fault", async () => {
  const away = async () => {
    throw new TransportError("refused", "ECONNREFUSED");
  };
  for (const send of [away, async () => error("SUBGRAPH_UNAVAILABLE")]) {
    const { client, faults } = answeredBy(send);
    await expect(client.hasProduct("7")).rejects.toMatchObject(AWAY);
    expect(faults).toEqual([]);
  }
});

test("what it answers is taken", async () => {
  const { client } = answeredBy(async () => ({
    data: { product: null, _entities: [{ discontinued: true }, null] },
  }));
  expect(await client.hasProduct("7")).toBe(false);
  expect(await client.areSold(["7", "8"])).toEqual([false, false]);
});
