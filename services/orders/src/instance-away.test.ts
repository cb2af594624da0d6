/**
 * Goal: an instance that is away costs one request its time, and no order after it. Method: cities and
 * catalog of two instances, in virtual time; what counts is which URLs are asked, and for how long.
 */
import type { SubgraphRequest, SubgraphResponse } from "@teranga/kit/http/transport.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import { parseTopology, partitionsOf } from "@teranga/kit/topology/topology.ts";
import { expect, test } from "vitest";
import { type Behaviour, EndpointWorld } from "../../../kit/test/endpoint-world.ts";
import { CLIENT, place } from "../test/orders-in-model.ts";
import { createOrchestrator } from "./context.ts";

const TOPOLOGY = parseTopology(`subgraphs:
  catalog: { replicas: ["http://catalog-1", "http://catalog-2"] }
  city:
    partitions:
      dakar: { name: Dakar, default: true, location: { latitude: 14.7, longitude: -17.4 }, urls: ["http://dakar-1", "http://dakar-2"] }
      thies: { name: Thiès, location: { latitude: 14.8, longitude: -16.9 }, urls: ["http://thies-1", "http://thies-2"] }
`);

/** Dakar has one piece and Thiès has many, so an order of two needs both. */
class World extends EndpointWorld {
  override answer(url: string, { operationName, variables = {} }: SubgraphRequest): SubgraphResponse {
    const all = (of: object) => (variables.messages as object[]).map((message) => ({ ...message, ...of }));
    switch (operationName) {
      case "OrderFacts": {
        const facts = { clientExists: true, keyedOrder: null, available: [url.includes("dakar") ? 1 : 100] };
        return { data: { answers: (variables.questions as unknown[]).map(() => facts) } };
      }
      case "OrderProducts":
        return { data: { _entities: [{ id: "101", price: 100, discontinued: false }] } };
      case "TransactionPrepare":
        return { data: { answers: all({ state: "PREPARED" }) } };
      case "OrderCommit":
        return { data: { answers: all({ state: "COMMITTED", committedId: "dakar:1" }) } };
      case "TransactionDecide":
        return { data: { answers: all({ state: "DONE" }) } };
      default:
        return { data: { __typename: "Query" } };
    }
  }
}

function cluster() {
  const it = new World();
  const orchestrator = createOrchestrator({
    cities: partitionsOf(TOPOLOGY, "city"),
    catalogUrls: ["http://catalog-1", "http://catalog-2"],
    instances: it.instances(),
    clock: it.time.clock,
    delay: it.time.delay,
    newId: () => "00000000-0000-7000-8000-000000000001",
    log: createLogger("orders", "silent"),
  });
  /** Places an order, and tells how long its last answer took and who was asked. */
  const order = async () => {
    it.sent.length = 0;
    const beganMs = it.time.nowMs;
    let tookMs = Number.NaN;
    const context = orchestrator.createContext({ log: createLogger("orders", "silent") });
    const placed = place([{ productId: "101", quantity: 2 }], context, { clientId: CLIENT }).finally(() => {
      tookMs = it.time.nowMs - beganMs;
    });
    await it.time.pass(20_000);
    return { type: (await placed).__typename, tookMs, asked: it.sent.map(({ url }) => url) };
  };
  return { it, order };
}

test.each<[Behaviour, string]>([
  ["hangs", "http://dakar-1"],
  ["refuses", "http://dakar-1"],
  ["hangs", "http://thies-1"],
  ["hangs", "http://catalog-1"],
  ["refuses", "http://catalog-1"],
])("one instance that %s (%s) is asked once, and then no order is slower", async (behaviour, away) => {
  const { it, order } = cluster();
  const whole = await order();
  expect(whole.type).toBe("OrderPlaced");
  it.behaviours.set(away, behaviour);
  const first = await order();
  expect(first.asked.filter((url) => url === away)).toHaveLength(1);
  expect(first.type).toBe("OrderPlaced");
  for (let times = 0; times < 3; times++) {
    const next = await order();
    expect(next).toMatchObject({ type: "OrderPlaced", tookMs: whole.tookMs });
    expect(next.asked).not.toContain(away);
    expect(next.asked).toHaveLength(whole.asked.length);
  }
  it.behaviours.delete(away);
  await it.time.pass(10_000);
  expect((await order()).asked).toContain(away);
});
