/**
 * Goal: a city that was removed from the topology is never taken for another one, and transactions that wait
 * for it are reported. Method: the whole graph, and an order of Dakar to which "casamance" gave before its
 * removal.
 */
import { serviceHeaders } from "@teranga/kit/http/credential.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CREDENTIAL, type Graph, startGraph } from "./harness/graph.ts";

const ORDER = "dakar:00000000-0000-7000-8000-000000000001";
const GONE = { code: "UNKNOWN_CITY", city: "casamance" };

let graph: Graph;
beforeAll(async () => {
  graph = await startGraph();
  const order = {
    transactionId: ORDER,
    clientId: "dakar:1",
    idempotencyKey: "key",
    requestHash: "hash",
    paymentMethod: "CASH_ON_DELIVERY",
    lines: [{ productId: "101", quantity: 2, unitPrice: 5 }],
    allocations: ["casamance", "dakar"].map((cityId) => ({ cityId, productId: "101", quantity: 1 })),
  };
  const [answer] = await sendToDakar(order);
  expect(answer).toEqual({ state: "COMMITTED" });
});
afterAll(() => graph?.close());

async function sendToDakar(order: object): Promise<object[]> {
  const response = await fetch(graph.serviceUrl("dakar"), {
    method: "POST",
    headers: { "content-type": "application/json", ...serviceHeaders(CREDENTIAL) },
    body: JSON.stringify({
      query: "mutation ($orders: [CommitOrderInput!]!) { commitOrders(orders: $orders) { state } }",
      variables: { orders: [order] },
    }),
  });
  const { data } = (await response.json()) as { data: { commitOrders: object[] } };
  return data.commitOrders;
}

test.each(["id", "id name", "name isDefault", "id clients(first: 1) { totalCount }"])(
  "allocations { city { %s } } is null, and says which city is unknown",
  async (fields) => {
    const { data, errors } = await graph.query(
      `query ($id: ID!) { order(id: $id) { allocations { quantity city { ${fields} } } } }`,
      { id: ORDER },
    );
    const [casamance, dakar] = data.order.allocations;
    expect(casamance).toEqual({ quantity: 1, city: null });
    expect(dakar.city).not.toBeNull();
    expect(errors!.map(({ path, extensions }) => ({ path, extensions }))).toEqual([
      { path: ["order", "allocations", 0, "city"], extensions: GONE },
    ]);
  },
);

test("a decision that the city has to hear of stands as unacknowledged, with its age", async () => {
  const { data, errors } = await graph.query(
    `query ($id: ID!) { transaction(id: $id) {
      participants { city { name } state acknowledgedAt unacknowledgedForSeconds } } }`,
    { id: ORDER },
  );
  expect(data.transaction.participants).toEqual([
    {
      city: null,
      state: "UNACKNOWLEDGED",
      acknowledgedAt: null,
      unacknowledgedForSeconds: expect.any(Number),
    },
  ]);
  expect(errors).toMatchObject([{ extensions: GONE }]);
});

test("a cancellation happens, and both are in the metric and in the notes of the city's health", async () => {
  const { data } = await graph.query(
    "mutation ($id: ID!) { cancelOrder(input: { orderId: $id }) { __typename } }",
    { id: ORDER },
  );
  expect(data.cancelOrder).toEqual({ __typename: "OrderCancelled" });
  const read = async (path: string) => (await fetch(new URL(path, graph.serviceUrl("dakar")))).text();
  expect(await read("/metrics")).toContain("\nteranga_city_stranded_transactions 2\n");
  expect(JSON.parse(await read("/health/ready"))).toEqual({
    status: "ready",
    notes: [
      expect.stringMatching(
        /^2 transactions wait for "casamance", which the topology does not have, since 20\d\d-/,
      ),
    ],
  });
});
