/** The orders service's inside over model cities: four cities around Dakar, time that stands still, ids that count. */
import { createLogger } from "@teranga/kit/log.ts";
import { parseTopology, partitionsOf } from "@teranga/kit/topology.ts";
import { GraphQLError } from "graphql";
import type { OrdersContext } from "../src/context.ts";
import { createDecisionDelivery } from "../src/decision-delivery.ts";
import { parsePlaceInput } from "../src/order-request.ts";
import { placeOrder } from "../src/place-order.ts";
import { SharedCalls } from "../src/shared-calls.ts";
import type { FaultScript } from "./faulty-network.ts";
import { ModelCities } from "./model-cities.ts";

/** Nobody listens at these ports; by distance from Dakar: Thiès, Saint-Louis, Autres. */
export const TOPOLOGY = parseTopology(`
subgraphs:
  catalog: { replicas: ["http://127.0.0.1:9/graphql"] }
  city:
    partitions:
      dakar: { name: Dakar, towns: [Dakar], location: { latitude: 14.69, longitude: -17.44 }, urls: ["http://127.0.0.1:9/graphql"] }
      thies: { name: Thiès, towns: [Thiès], location: { latitude: 14.79, longitude: -16.93 }, urls: ["http://127.0.0.1:9/graphql"] }
      saint-louis: { name: Saint-Louis, towns: [], location: { latitude: 16.02, longitude: -16.49 }, urls: ["http://127.0.0.1:9/graphql"] }
      autres: { name: Autres, default: true, towns: [], location: { latitude: 14.15, longitude: -12.07 }, urls: ["http://127.0.0.1:9/graphql"] }
`);
export const CLIENT = "dakar:1";
export const KEY = "a key";

export interface Scenario {
  stock: Record<string, Record<string, number>>;
  lines: { productId: string; quantity: number }[];
}

export const STOCK = {
  dakar: { "101": 2, "102": 4, old: 1 },
  thies: { "101": 5, "102": 0 },
  "saint-louis": { "101": 5, "102": 9 },
  autres: { "101": 5, "102": 9 },
};
export const SCENARIOS = {
  "all at home": { stock: STOCK, lines: [{ productId: "101", quantity: 2 }] },
  "home and one participant": { stock: STOCK, lines: [{ productId: "101", quantity: 4 }] },
  "home and three participants": {
    stock: STOCK,
    lines: [
      { productId: "101", quantity: 15 },
      { productId: "102", quantity: 8 },
    ],
  },
  "two participants, nothing at home": {
    stock: { ...STOCK, dakar: {} },
    lines: [
      { productId: "101", quantity: 6 },
      { productId: "102", quantity: 3 },
    ],
  },
  "more than there is": { stock: STOCK, lines: [{ productId: "101", quantity: 18 }] },
} satisfies Record<string, Scenario>;

/** @param instance tells the ids of two instances of the service apart */
export function contextOver(cities: ModelCities, instance = 0): OrdersContext {
  const log = createLogger("orders", "silent");
  let ids = instance * 1_000;
  return {
    cities: partitionsOf(TOPOLOGY, "city"),
    reads: cities.reads,
    messages: cities.messages,
    delivery: createDecisionDelivery(cities.messages, log),
    calls: new SharedCalls(),
    clock: { nowMs: () => 0, random: () => 0 },
    delay: () => Promise.resolve(),
    newId: () => `00000000-0000-7000-8000-${String(++ids).padStart(12, "0")}`,
    log,
  };
}

/** A result, or a coded error as a client sees it. */
export interface Answer {
  __typename: string;
  order?: { id: string } | null;
  transactionId?: string;
  shortages?: { product?: { id: string } | null; requested: number; available: number }[];
  missingCities?: string[];
  city?: unknown;
}

/** Places the scenario's order once, until also everything off the client's path has ended. */
export async function place(
  lines: Scenario["lines"],
  context: OrdersContext,
  key: string | null = KEY,
): Promise<Answer> {
  const input = { clientId: CLIENT, lines, payment: "CASH_ON_DELIVERY" as const, idempotencyKey: key };
  try {
    return (await placeOrder(parsePlaceInput(input, context.cities.partitionOf), context)) as Answer;
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    return { __typename: String(error.extensions.code), city: error.extensions.city };
  } finally {
    await context.delivery.drain();
  }
}

/** A run of one order under faults, and all that is wrong with it. */
export interface Run {
  answer: Answer;
  sent: readonly string[];
  wrong: string[];
}

export async function run({ stock, lines }: Scenario, faults: FaultScript): Promise<Run> {
  const cities = new ModelCities(CLIENT, stock);
  const context = contextOver(cities);
  cities.network.script = faults;
  const answer = await place(lines, context);
  const sent = [...cities.network.sent];
  cities.recover();
  const wrong = [...cities.breaches(), ...untruths(answer, cities)];

  // A retry with the same key, in calm weather, tells what has become of the first call and never makes a second order.
  const earlier = cities.orderOf(KEY);
  const retry = await place(lines, context);
  cities.recover();
  wrong.push(...cities.breaches());
  if (earlier && retry.order?.id !== earlier.transactionId)
    wrong.push("the retry does not give the earlier order");
  return { answer, sent, wrong };
}

/** Where an answer says something else than what is recorded, now that everything is at rest. */
function untruths({ __typename, order, transactionId }: Answer, cities: ModelCities): string[] {
  const recorded = cities.orderOf(KEY);
  if (__typename === "OrderPlaced")
    return recorded?.transactionId === order?.id ? [] : ["OrderPlaced, but it is not"];
  if (!recorded) return [];
  if (__typename === "OutcomeUnknown")
    return recorded.transactionId === transactionId ? [] : ["unknown, of another order"];
  return [`${__typename}, but the order is placed`];
}
