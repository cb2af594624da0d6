/**
 * Goal: cities join, move and leave while the service runs. Method: a network that
 * records where each message goes.
 */

import type { Send } from "@teranga/kit/http/transport.ts";
import { Instances } from "@teranga/kit/instances/instances.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import { parseTopology, type Topology } from "@teranga/kit/topology/topology.ts";
import { createLiveTopology, livePartitionsOf } from "@teranga/kit/topology/topology-live.ts";
import { beforeEach, expect, test } from "vitest";
import { createOrchestrator, type OrdersContext } from "./context.ts";
import { startOrders } from "./service.ts";

const log = createLogger("test", "silent");
const ID = "dakar:00000000-0000-7000-8000-000000000001";

/** Cities by id, with their places. The first is the default. */
function topologyOf(cities: Record<string, string>): Topology {
  const partitions = Object.entries(cities).map(([id, host], index) => [
    id,
    {
      name: id,
      default: index === 0,
      location: { latitude: 14, longitude: index },
      urls: [`http://${host}/`],
    },
  ]);
  const city = { partitions: Object.fromEntries(partitions) };
  return parseTopology(JSON.stringify({ subgraphs: { catalog: { replicas: ["http://catalog/"] }, city } }));
}

const live = createLiveTopology(topologyOf({ dakar: "one" }));
let asked: string[];
let createContext: () => OrdersContext;

beforeEach(() => {
  live.set(topologyOf({ dakar: "one" }));
  asked = [];
  const send: Send = async (url, { operationName }) => {
    asked.push(`${operationName} ${new URL(url).host}`);
    const facts = { clientExists: true, keyedOrder: null, available: [1] };
    return {
      data: { answers: [operationName === "OrderFacts" ? facts : { transactionId: ID, state: "DONE" }] },
    };
  };
  const orchestrator = createOrchestrator({
    cities: livePartitionsOf(live.topology, "city"),
    catalogUrls: [],
    instances: new Instances({ send }),
    clock: { nowMs: () => 0, random: () => 0 },
    delay: () => new Promise(() => {}),
    newId: () => "request-1",
    log,
  });
  createContext = () => orchestrator.createContext({ log });
});

const decide = (cityId: string) =>
  createContext().messages.decide(
    cityId,
    { transactionId: ID, kind: "ORDER", decision: "ABORTED", lines: [] },
    1_000,
  );

test("a city that moves is asked where it is now", async () => {
  await createContext().reads.stock("dakar", ["101"]);
  await decide("dakar");
  live.set(topologyOf({ dakar: "two" }));
  await createContext().reads.stock("dakar", ["101"]);
  await decide("dakar");
  expect(asked).toEqual([
    "OrderFacts one",
    "TransactionDecide one",
    "OrderFacts two",
    "TransactionDecide two",
  ]);
});

test("a city that comes can be asked at once", async () => {
  await expect(decide("thies")).rejects.toThrow('TransactionDecide: there is no city "thies"');
  await expect(createContext().reads.stock("thies", ["101"])).rejects.toMatchObject({ effect: "refused" });
  live.set(topologyOf({ dakar: "one", thies: "three" }));
  await decide("thies");
  await createContext().reads.stock("thies", ["101"]);
  expect(asked).toEqual(["TransactionDecide three", "OrderFacts three"]);
});

test("a city that goes is still told what was decided with it", async () => {
  live.set(topologyOf({ dakar: "one", thies: "three" }));
  await decide("thies");
  live.set(topologyOf({ dakar: "one" }));
  await decide("thies");
  expect(asked).toEqual(["TransactionDecide three", "TransactionDecide three"]);
});

test("a request goes by the cities that there were when it began", () => {
  const { cities } = createContext();
  live.set(topologyOf({ dakar: "one", thies: "three" }));
  expect([cities.partitions.length, cities.partitionOf("thies")]).toEqual([1, "dakar"]);
  expect(createContext().cities.partitionOf("thies")).toBe("thies");
});

test("a topology without cities is refused, and the service goes on with the one that it has", async () => {
  const options = { credential: "the credential of the tests", port: 0, log };
  const service = await startOrders({ topology: topologyOf({ dakar: "one" }), ...options });
  const without = parseTopology('subgraphs: { catalog: { replicas: ["http://catalog/"] } }');
  expect(() => service.setTopology(without)).toThrow('Topology: no partitioned subgraph "city"');
  await service.close();
});
