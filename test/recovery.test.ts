/**
 * Goal: the cities finish alone after the orchestrator was killed, and the key then tells what became of the
 * order. Method: an orchestrator that is killed between any two of its messages.
 */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { setClock } from "../services/city/test/set-clock.ts";
import { CITY_IDS, type Graph, startGraph } from "./harness/graph.ts";
import { expectInvariants, stockAndOrders, untilAtRest } from "./harness/invariants.ts";

let graph: Graph;
let conserved: Record<string, number>;
/** How far the cities' clock is ahead of the real time. */
let aheadMs = 0;
/** An orchestrator prepares for so long (protocol/src/orchestrator/transaction.ts). */
const LEASE_MS = 10_000;
beforeAll(async () => {
  graph = await startGraph({ ordersAsProcess: true, clock: setClock(() => Date.now() + aheadMs) });
  conserved = await stockAndOrders(graph);
});
afterAll(() => graph.close());
afterEach(() => {
  for (const city of CITY_IDS) graph.proxy(city).onRequest(undefined);
});

/** Places an order. Thiès has at most 5 of each of these products, so Dakar must give some. */
const place = (productId: string, idempotencyKey: string) =>
  graph.query(
    `mutation ($input: PlaceOrderInput!) { placeOrder(input: $input) {
      __typename ... on OrderPlaced { order { id allocations { city { id } quantity } } }
    } }`,
    { input: { clientId: "thies:2", lines: [{ productId, quantity: 7 }], idempotencyKey } },
  );

/**
 * Kills the orchestrator at the first message to the city that contains the word. Resolves when it is done.
 */
function killAt(city: string, word: string, then: "deliver" | "drop"): Promise<void> {
  return new Promise((resolve, reject) => {
    let killed = false;
    graph.proxy(city).onRequest((text) => {
      if (killed || !text.includes(word)) return true;
      killed = true;
      graph.orders!.kill().then(resolve, reject);
      return then === "deliver";
    });
  });
}

const placedWith = async (key: string) => {
  const rows = await graph.sql("thies")`
    select transaction_id as id from transaction_decision where idempotency_key = ${key} and state = 'COMMITTED'`;
  return rows.map(({ id }) => String(id));
};

async function expectFinished() {
  await untilAtRest(graph);
  await expectInvariants(graph);
  expect(await stockAndOrders(graph)).toEqual(conserved);
}

test("between prepare and commit: nothing has happened, and what was set aside is released after the deadline", async () => {
  const killed = killAt("thies", "commitOrders(", "drop");
  const { errors } = await place("101", "before the commit");
  await killed;
  expect(errors![0]!.extensions).toEqual({ code: "OUTCOME_UNKNOWN", subgraph: "orders" });
  const [{ prepared }] = (await graph.sql("dakar")`
    select count(*)::int as prepared from participation where state = 'PREPARED'`) as unknown as [
    { prepared: number },
  ];
  expect(prepared).toBe(1);

  aheadMs += LEASE_MS;
  await expectFinished();
  expect(await placedWith("before the commit")).toEqual([]);

  await graph.orders!.start();
  expect((await place("101", "before the commit")).data.placeOrder.__typename).toBe("OrderPlaced");
  await expectFinished();
});

test("between the commit and its answer: the order is placed, and the same key gives it", async () => {
  const killed = killAt("thies", "commitOrders(", "deliver");
  const { errors } = await place("104", "at the commit");
  await killed;
  expect(errors).toHaveLength(1);

  await expectFinished();
  const [orderId, ...more] = await placedWith("at the commit");
  expect(orderId).toEqual(expect.any(String));
  expect(more).toEqual([]);

  await graph.orders!.start();
  const { data } = await place("104", "at the commit");
  expect(data.placeOrder.order.id).toBe(orderId);
});

test("between the commit and the decisions: the home tells the participants", async () => {
  const killed = killAt("dakar", "decide(", "drop");
  const { data, errors } = await place("107", "after the commit");
  expect(errors).toBeUndefined();
  expect(data.placeOrder.order.allocations).toContainEqual({
    city: { id: "dakar" },
    quantity: expect.any(Number),
  });
  await killed;
  await expectFinished();
  await graph.orders!.start();
});
