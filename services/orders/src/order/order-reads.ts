/**
 * What the service reads from the cities and the catalog before it decides. Questions that wait at the same
 * time travel together, as messages do.
 */
import { withinDeadlineMs } from "@teranga/kit/http/deadline.ts";
import { TransportError } from "@teranga/kit/http/transport.ts";
import { answeredElse, ask, named } from "@teranga/kit/instances/ask.ts";
import { urlsOf } from "@teranga/kit/topology/topology.ts";
import { createCityLanes } from "@teranga/protocol/orchestrator/city-lanes.ts";
import type { MessageMeans } from "@teranga/protocol/orchestrator/city-messages.ts";
import { MessageLane } from "@teranga/protocol/orchestrator/message-lane.ts";
import { z } from "zod";
import type { StockLevels } from "../model.ts";
import { LastLevels } from "./last-levels.ts";

/** The committed transaction of an idempotency key. */
export interface KeyedTransaction {
  transactionId: string;
  requestHash: string;
}

/** What the home city knows. */
export interface HomeFacts {
  clientExists: boolean;
  /** The order of the idempotency key; null if the key is unused. */
  keyedOrder: KeyedTransaction | null;
  levels: StockLevels;
}

/** What the catalog knows of a product. */
export interface ProductFacts {
  /** The price of one piece, in the currency's smallest unit. */
  price: number;
  discontinued: boolean;
}

export interface HomeQuestion {
  clientId: string;
  /** Null if the client gave none. */
  idempotencyKey: string | null;
  productIds: readonly string[];
}

/** @throws TransportError */
export interface OrderReads {
  home(homeId: string, question: HomeQuestion, deadlineMs?: number): Promise<HomeFacts>;
  stock(cityId: string, productIds: readonly string[]): Promise<StockLevels>;
  /** Products by id. A product that the catalog does not have is missing from the map. */
  products(productIds: readonly string[]): Promise<Map<string, ProductFacts>>;
  /** The transfer of a key at the receiving city; null if the key is unused. */
  keyedTransfer(homeId: string, idempotencyKey: string): Promise<KeyedTransaction | null>;
  /** The stock that a city last reported; empty for products that it was not asked about. A hint only. */
  lastLevels(cityId: string): StockLevels;
  /** The same, but empty if the city has reported nothing within the last second. */
  recentLevels(cityId: string): StockLevels;
  /** Corrects the hint by what a city has reported elsewhere. */
  noteLevels(cityId: string, levels: StockLevels): void;
}

/**
 * A read takes a few milliseconds. A city that hangs must leave the order time to go
 * on without it (keyed-call.ts).
 */
export const READ_DEADLINE_MS = 1_500;

/**
 * A read decides nothing, so it ends with its request. The deadline is taken here, where the request asks,
 * because several questions travel together later.
 */
const readDeadlineMs = () => withinDeadlineMs(READ_DEADLINE_MS);

const FACTS = `query OrderFacts($questions: [OrderFactsInput!]!) {
  answers: orderFacts(questions: $questions) {
    clientExists keyedOrder { transactionId requestHash } available
  }
}`;
const PRODUCTS = `query OrderProducts($representations: [_Any!]!) {
  _entities(representations: $representations) { ... on Product { id price discontinued } }
}`;
const KEYED_TRANSFER = `query KeyedTransfer($key: String!) {
  keyed: keyedTransaction(kind: TRANSFER, idempotencyKey: $key) { transactionId requestHash }
}`;

const keyedTransaction = z.object({ transactionId: z.string(), requestHash: z.string() }).nullable();
const facts = z.object({
  clientExists: z.boolean().nullable(),
  keyedOrder: keyedTransaction,
  available: z.array(z.int()),
});
const productsAnswer = z.object({
  _entities: z.array(z.object({ id: z.string(), price: z.int(), discontinued: z.boolean() }).nullable()),
});

/** A question to a city, in the form in which it is sent. */
interface FactsQuestion {
  clientId: string | null;
  idempotencyKey: string | null;
  productIds: readonly string[];
}
type Facts = z.infer<typeof facts>;
type Products = Map<string, ProductFacts>;

export function createOrderReads(means: MessageMeans & { catalogUrls: readonly string[] }): OrderReads {
  const { clock, delay } = means;
  const lastLevels = new LastLevels(clock);
  const laneTo = createCityLanes(
    means.cities,
    (urlsNow) =>
      new MessageLane<FactsQuestion, Facts>({
        send: (questions, deadlineMs) => askTogether(questions, urlsNow(), deadlineMs, means),
        weigh: ({ productIds }) => Math.max(1, productIds.length),
        onFault: means.onFault,
        onBatch: (questions) => means.metrics.batchSent("orderFacts", questions),
        clock,
        delay,
      }),
  );
  /** A request keeps the cities that existed when it began. One of them may be gone by now. */
  const askCity = async (cityId: string, question: FactsQuestion, deadlineMs: number) => {
    const lane = laneTo(cityId);
    if (!lane) throw noCity("OrderFacts", cityId);
    return lane.ask(question, deadlineMs);
  };
  const catalogLane = new MessageLane<readonly string[], Products>({
    send: async (questions, deadlineMs) => {
      const found = await askProducts(new Set(questions.flat()), deadlineMs, means);
      return questions.map(() => found);
    },
    weigh: (productIds) => productIds.length,
    onFault: means.onFault,
    onBatch: (questions) => means.metrics.batchSent("products", questions),
    clock,
    delay,
  });

  return {
    async home(cityId, question, deadlineMs = readDeadlineMs()) {
      const { clientExists, keyedOrder, available } = await askCity(cityId, question, deadlineMs);
      const levels = levelsOf(question, available);
      lastLevels.remember(cityId, levels);
      return { clientExists: clientExists === true, keyedOrder, levels };
    },

    async stock(cityId, productIds) {
      const question = { clientId: null, idempotencyKey: null, productIds };
      const { available } = await askCity(cityId, question, readDeadlineMs());
      return levelsOf(question, available);
    },

    products: (productIds) => catalogLane.ask(productIds, readDeadlineMs()),

    async keyedTransfer(homeId, key) {
      const urls = urlsOf(means.cities, homeId);
      if (!urls) throw noCity("KeyedTransfer", homeId);
      const { keyed } = await ask(means, urls, {
        query: KEYED_TRANSFER,
        operationName: "KeyedTransfer",
        variables: { key },
        answer: z.object({ keyed: keyedTransaction }),
        deadlineMs: readDeadlineMs(),
      });
      return keyed;
    },

    lastLevels: (cityId) => lastLevels.of(cityId),
    recentLevels: (cityId) => lastLevels.recentlyOf(cityId),
    noteLevels: (cityId, levels) => lastLevels.remember(cityId, levels),
  };
}

function noCity(operationName: string, cityId: string): TransportError {
  return new TransportError("refused", `${operationName}: there is no city "${cityId}"`);
}

async function askTogether(
  questions: readonly FactsQuestion[],
  urls: readonly string[],
  deadlineMs: number,
  means: MessageMeans,
): Promise<(Facts | TransportError)[]> {
  const { answers } = await ask(means, urls, {
    query: FACTS,
    operationName: "OrderFacts",
    variables: { questions },
    answer: z.object({ answers: z.array(z.unknown()).length(questions.length) }),
    deadlineMs,
  });
  return questions.map(({ productIds }, index) => {
    const { data, error } = facts.safeParse(answers[index]);
    if (data?.available.length === productIds.length) return data;
    const failure = named(answeredElse(error ?? new Error("levels of other products")), "OrderFacts");
    means.onFault?.(failure);
    return failure;
  });
}

async function askProducts(
  productIds: ReadonlySet<string>,
  deadlineMs: number,
  means: MessageMeans & { catalogUrls: readonly string[] },
): Promise<Products> {
  const { _entities: found } = await ask(means, means.catalogUrls, {
    query: PRODUCTS,
    operationName: "OrderProducts",
    variables: { representations: [...productIds].map((id) => ({ __typename: "Product", id })) },
    answer: productsAnswer,
    deadlineMs,
  });
  return new Map(found.filter((product) => product !== null).map((product) => [product.id, product]));
}

function levelsOf({ productIds }: FactsQuestion, available: readonly number[]): StockLevels {
  return new Map(productIds.map((id, index) => [id, available[index]!]));
}
