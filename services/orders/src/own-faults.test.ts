/**
 * A fault of our own, in this service or in the one that answers, is reported as more than an unavailable
 * service: it is logged with its cause and counted.
 */

import { type SubgraphResponse, TransportError } from "@teranga/kit/http/transport.ts";
import { Instances } from "@teranga/kit/instances/instances.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import { Registry } from "@teranga/kit/process/metrics.ts";
import { parseTopology, partitionsOf } from "@teranga/kit/topology/topology.ts";
import { expect, test } from "vitest";
import { createOrchestrator } from "./context.ts";
import { createOrderMetrics } from "./metrics.ts";
import { readStock } from "./order/order-facts.ts";

const TOPOLOGY = parseTopology(`subgraphs:
  catalog: { replicas: ["http://127.0.0.1:9/graphql"] }
  city:
    partitions:
      dakar: { name: Dakar, default: true, towns: [], location: { latitude: 14, longitude: -17 }, urls: ["http://127.0.0.1:9/graphql"] }
`);

/** An orchestrator whose every message fails in this way. */
const failing = (failure: () => Error) => answeredBy(() => Promise.reject(failure()));

/** An orchestrator whose every message gets this answer. */
function answeredBy(send: () => Promise<SubgraphResponse>) {
  const lines: { level: number; err?: { type: string; stack: string } }[] = [];
  const log = createLogger("orders", "info", { write: (text: string) => lines.push(JSON.parse(text)) });
  const registry = new Registry();
  const orchestrator = createOrchestrator({
    cities: partitionsOf(TOPOLOGY, "city"),
    catalogUrls: ["http://127.0.0.1:9/graphql"],
    instances: new Instances({ send }),
    clock: { nowMs: () => 0, random: () => 0 },
    delay: () => Promise.resolve(),
    newId: () => "00000000-0000-7000-8000-000000000001",
    log,
    metrics: createOrderMetrics(registry),
  });
  const faults = async () =>
    (await registry.getSingleMetric("teranga_orders_faults_total")!.get()).values[0]?.value;
  return { context: orchestrator.createContext({ log }), lines, faults };
}

const mistake = () => new TypeError("messages is not iterable");
const question = { transactionId: "dakar:00000000-0000-7000-8000-000000000001", cityId: "dakar" };

test("a TypeError while a message is sent: an outcome unknown, a stack, and one fault more", async () => {
  const { context, lines, faults } = failing(mistake);
  await expect(context.messages.outcome("dakar", question, 1_000)).rejects.toBeInstanceOf(TransportError);
  const [line] = lines.filter(({ level }) => level === 50);
  expect(line?.err).toMatchObject({
    type: "TypeError",
    stack: expect.stringContaining("own-faults.test.ts"),
  });
  expect(await faults()).toBe(1);
});

test("a city that is away is none", async () => {
  const { context, lines, faults } = failing(() => new TransportError("refused", "ECONNREFUSED"));
  await expect(context.messages.outcome("dakar", question, 1_000)).rejects.toBeInstanceOf(TransportError);
  expect(lines.filter(({ level }) => level >= 50)).toEqual([]);
  expect(await faults()).toBe(0);
});

test("a mistake in reading stock is thrown as it is, and no city is called silent for it", async () => {
  const { context } = failing(mistake);
  const broken = { ...context, reads: { ...context.reads, stock: () => Promise.reject(mistake()) } };
  await expect(readStock("dakar", ["101"], broken)).rejects.toThrow(TypeError);
});

const error = (code: string) => ({ data: null, errors: [{ message: "the words", extensions: { code } }] });
const own = { clientId: "dakar:1", idempotencyKey: null, productIds: ["101"] };

test.each<[string, SubgraphResponse, string]>([
  ["no data at all", { data: {} }, "answered something else"],
  ["too few answers", { data: { answers: [] } }, "answered something else"],
  ["one that is none", { data: { answers: [{ clientExists: true }] } }, "answered something else"],
  [
    "levels of other products",
    { data: { answers: [{ clientExists: true, keyedOrder: null, available: [] }] } },
    "levels of other products",
  ],
  ["a document that it refuses", error("GRAPHQL_VALIDATION_FAILED"), "the words"],
  ["a fault", error("INTERNAL_SERVER_ERROR"), "the words"],
])(
  "a city that answers with %s: a failure for who waits, a cause in the log, one fault more",
  async (_, answer, cause) => {
    const { context, lines, faults } = answeredBy(async () => answer);
    await expect(context.reads.home("dakar", own)).rejects.toBeInstanceOf(TransportError);
    const errors = lines.filter(({ level }) => level === 50);
    expect(errors).toHaveLength(1);
    expect(errors[0]!.err!.stack).toContain(cause);
    expect(await faults()).toBe(1);
  },
);

test("a message that is answered for another transaction is a fault, and one that the city could not process is none here", async () => {
  for (const [state, transactionId, count] of [
    ["DONE", "dakar:2", 1],
    ["FAILED", question.transactionId, 0],
  ] as const) {
    const { context, faults } = answeredBy(async () => ({ data: { answers: [{ transactionId, state }] } }));
    await expect(context.messages.outcome("dakar", question, 1_000)).rejects.toBeInstanceOf(TransportError);
    expect(await faults()).toBe(count);
  }
});

test.each(["CITY_UNAVAILABLE", "DEADLINE_EXCEEDED", "OUTCOME_UNKNOWN"])(
  "a city that says %s is none",
  async (code) => {
    const { context, lines, faults } = answeredBy(async () => error(code));
    await expect(context.reads.home("dakar", own)).rejects.toBeInstanceOf(TransportError);
    expect(lines.filter(({ level }) => level >= 50)).toEqual([]);
    expect(await faults()).toBe(0);
  },
);
