/**
 * The inside of the orders service over model cities: four cities around Dakar, a clock that stands still,
 * ids that count up.
 */
import { VISITOR } from "@teranga/kit/identity/identity.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import { Registry } from "@teranga/kit/process/metrics.ts";
import { parseTopology, partitionsOf } from "@teranga/kit/topology/topology.ts";
import type { TransactionKind } from "@teranga/protocol/messages.ts";
import { createDecisionDelivery } from "@teranga/protocol/orchestrator/decision-delivery.ts";
import type {
  CancelOrderInput,
  PlaceOrderInput,
  TransferStockInput,
} from "@teranga/schema/generated/orders.ts";
import { GraphQLError } from "graphql";
import { cancelOrder } from "../src/cancellation/cancel-order.ts";
import { parseCancelInput } from "../src/cancellation/cancel-request.ts";
import type { OrdersContext } from "../src/context.ts";
import { createOrderMetrics } from "../src/metrics.ts";
import { parsePlaceInput } from "../src/order/order-request.ts";
import { placeOrder } from "../src/order/place-order.ts";
import { SharedCalls } from "../src/shared-calls.ts";
import { parseTransferInput } from "../src/transfer/transfer-request.ts";
import { transferStock } from "../src/transfer/transfer-stock.ts";
import type { FaultScript } from "./faulty-network.ts";
import { ModelCities } from "./model-cities.ts";
import type { InitialStock } from "./model-stock.ts";

/** No program listens at these ports. By distance from Dakar: Thiès, Saint-Louis, Autres. */
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
/** The id of the first order in a context. */
export const FIRST_ORDER = "dakar:00000000-0000-7000-8000-000000000001";

interface Line {
  productId: string;
  quantity: number;
}

/** One call with the key KEY. */
export interface Scenario {
  kind: TransactionKind;
  stock: InitialStock;
  /** What happens before, without faults. */
  before?: (context: OrdersContext) => Promise<unknown>;
  call: (context: OrdersContext) => Promise<Answer>;
}

export const STOCK = {
  dakar: { "101": 2, "102": 4, old: 1 },
  thies: { "101": 5, "102": 0 },
  "saint-louis": { "101": 5, "102": 9 },
  autres: { "101": 5, "102": 9 },
};

function ordering(
  lines: Line[],
  { stock = STOCK as InitialStock, ...more }: { stock?: InitialStock } & Partial<PlaceOrderInput> = {},
) {
  return {
    kind: "ORDER",
    stock,
    lines,
    call: (context: OrdersContext) => place(lines, context, more),
  } as const;
}

/** Pieces of 101 and of 102. */
const pieces = (of101: number, of102 = 0): Line[] =>
  [
    { productId: "101", quantity: of101 },
    { productId: "102", quantity: of102 },
  ].filter(({ quantity }) => quantity > 0);

export const SCENARIOS = {
  "all at home": ordering(pieces(2)),
  "home and one participant": ordering(pieces(4)),
  "home and three participants": ordering(pieces(15, 8)),
  "two participants, nothing at home": ordering(pieces(6, 3), { stock: { ...STOCK, dakar: {} } }),
  "more than there is": ordering(pieces(18)),
  "paid from the wallet": ordering(pieces(4), { payment: "WALLET" }),
  "more than the wallet holds": ordering(pieces(11), { payment: "WALLET" }),
  "from two cities at most": ordering(pieces(7, 8), { maxSplits: 2 }),
} satisfies Record<string, Scenario>;

function cancelling(lines: Line[], more: Partial<PlaceOrderInput> = {}): Scenario {
  return {
    kind: "CANCELLATION",
    stock: STOCK,
    before: (context) => place(lines, context, more),
    call: (context) => cancel(FIRST_ORDER, context),
  };
}

function transferring(quantity: number): Scenario {
  return { kind: "TRANSFER", stock: STOCK, call: (context) => transfer({ quantity }, context) };
}

export const OTHER_SCENARIOS = {
  "cancelling an order of the home": cancelling(pieces(2)),
  "cancelling an order of four cities, paid from the wallet": cancelling(pieces(9, 1), { payment: "WALLET" }),
  "cancelling what is cancelled": {
    ...cancelling(pieces(4)),
    before: async (context) => {
      await place(pieces(4), context);
      await cancel(FIRST_ORDER, context, "another key");
    },
  },
  "cancelling an unknown order": { ...cancelling([]), before: () => Promise.resolve() },
  "transferring some": transferring(3),
  "transferring more than there is": transferring(6),
} satisfies Record<string, Scenario>;

/** No test reads these lines, and writing them takes longer than an order in the model. */
const log = createLogger("orders", "silent");
const metrics = createOrderMetrics(new Registry());

/** @param instance tells the ids of two instances of the service apart */
export function contextOver(cities: ModelCities, instance = 0): OrdersContext {
  let ids = instance * 1_000;
  return {
    identity: VISITOR,
    cities: partitionsOf(TOPOLOGY, "city"),
    reads: cities.reads,
    messages: cities.messages,
    delivery: createDecisionDelivery(cities.messages, log),
    calls: new SharedCalls(),
    clock: { nowMs: () => 0, random: () => 0 },
    delay: () => Promise.resolve(),
    newId: () => `00000000-0000-7000-8000-${String(++ids).padStart(12, "0")}`,
    log,
    metrics,
  };
}

/** A result, or a coded error as a client sees it. */
export interface Answer {
  __typename: string;
  order?: { id: string } | null;
  transaction?: { id: string } | null;
  transactionId?: string;
  shortages?: { product?: { id: string } | null; requested: number; available: number }[];
  missingCities?: string[];
  city?: unknown;
}

/** Places an order once. Resolves when everything off the client's path has ended too. */
export function place(
  lines: Line[],
  context: OrdersContext,
  more: Partial<PlaceOrderInput> = {},
): Promise<Answer> {
  const input = {
    clientId: CLIENT,
    lines,
    payment: "CASH_ON_DELIVERY" as const,
    idempotencyKey: KEY,
    ...more,
  };
  return answerOf(
    async () => placeOrder(parsePlaceInput(input, context.cities.partitionOf), context),
    context,
  );
}

export function cancel(
  orderId: string,
  context: OrdersContext,
  idempotencyKey: string | null = KEY,
): Promise<Answer> {
  const input: CancelOrderInput = { orderId, idempotencyKey };
  return answerOf(async () => cancelOrder(parseCancelInput(input, context), context), context);
}

/** Moves pieces of 101 from Thiès to Dakar by default. */
export function transfer(more: Partial<TransferStockInput>, context: OrdersContext): Promise<Answer> {
  const input = {
    productId: "101",
    fromCityId: "thies",
    toCityId: "dakar",
    quantity: 1,
    idempotencyKey: KEY,
    ...more,
  };
  return answerOf(async () => transferStock(parseTransferInput(input, context.cities), context), context);
}

async function answerOf(call: () => Promise<unknown>, context: OrdersContext): Promise<Answer> {
  try {
    return (await call()) as Answer;
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error;
    return { __typename: String(error.extensions.code), city: error.extensions.city };
  } finally {
    await context.delivery.drain();
  }
}

/** A run of one call under faults, and everything that is wrong with it. */
export interface Run {
  answer: Answer;
  sent: readonly string[];
  wrong: string[];
}

export async function run({ kind, stock, before, call }: Scenario, faults: FaultScript): Promise<Run> {
  const cities = new ModelCities(CLIENT, stock);
  const context = contextOver(cities);
  await before?.(context);
  cities.network.sent.length = 0;
  cities.network.script = faults;
  const answer = await call(context);
  const sent = [...cities.network.sent];
  cities.recover();
  const recordedId = () => cities.homes.keyed(kind, KEY)?.transactionId;
  const wrong = [...cities.breaches(), ...untruths(answer, recordedId())];

  // A retry with the same key, without faults, tells what became of the first call and never repeats it.
  const earlierId = recordedId();
  const retry = await call(context);
  cities.recover();
  wrong.push(...cities.breaches());
  if (earlierId && retry.transaction?.id !== earlierId)
    wrong.push("the retry does not give the earlier transaction");
  return { answer, sent, wrong };
}

const SUCCESSES = ["OrderPlaced", "OrderCancelled", "StockTransferred"];

/** Contradictions between an answer and what is recorded, once everything is at rest. */
function untruths(
  { __typename, transaction, transactionId }: Answer,
  recordedId: string | undefined,
): string[] {
  if (SUCCESSES.includes(__typename)) {
    return recordedId === transaction?.id ? [] : [`${__typename}, but it is not`];
  }
  if (!recordedId) return [];
  if (__typename === "OutcomeUnknown")
    return recordedId === transactionId ? [] : ["unknown, of another transaction"];
  return [`${__typename}, but it has happened`];
}
