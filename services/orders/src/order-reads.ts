/** What the service reads from the cities and the catalog before it decides anything. */
import type { PartitionPlacement } from "@teranga/kit/topology.ts";
import type { Send } from "@teranga/kit/transport.ts";
import { z } from "zod";
import { ask } from "./ask.ts";
import type { StockLevels } from "./model.ts";

/** What the home city knows. */
export interface HomeFacts {
  clientExists: boolean;
  /** The order that the idempotency key stands for, if it was used before. */
  keyedOrder: { orderId: string; requestHash: string } | null;
  levels: StockLevels;
}

/** What the catalog knows of a product. */
export interface ProductFacts {
  /** Of one piece, in the currency's smallest unit. */
  price: number;
  discontinued: boolean;
}

export interface HomeQuestion {
  clientId: string;
  /** Null if the client gave none. */
  idempotencyKey: string | null;
  productIds: readonly string[];
}

/** Each is one request. @throws TransportError */
export interface OrderReads {
  home(homeId: string, question: HomeQuestion, deadlineMs?: number): Promise<HomeFacts>;
  stock(cityId: string, productIds: readonly string[]): Promise<StockLevels>;
  /** Products by id; one that the catalog does not have is not in the answer. */
  products(productIds: readonly string[]): Promise<Map<string, ProductFacts>>;
}

/** A read takes a few milliseconds; a city that hangs must leave time for the order (ANSWER_WITHIN_MS) without it. */
const READ_DEADLINE_MS = 1_500;

const STOCK_FIELDS = `city(id: $cityId) {
    stock(first: 100, filter: { productIds: $productIds }) { edges { node { product { id } available } } }
  }`;
const STOCK = `query OrderStock($cityId: ID!, $productIds: [ID!]!) {
  ${STOCK_FIELDS}
}`;
const HOME = `query OrderHome($cityId: ID!, $clientId: ID!, $key: String!, $hasKey: Boolean!, $productIds: [ID!]!) {
  client(id: $clientId) { id }
  keyedOrder(clientId: $clientId, idempotencyKey: $key) @include(if: $hasKey) { orderId requestHash }
  ${STOCK_FIELDS}
}`;
const PRODUCTS = `query OrderProducts($representations: [_Any!]!) {
  _entities(representations: $representations) { ... on Product { id price discontinued } }
}`;

const level = z.object({
  node: z.object({ product: z.object({ id: z.string() }), available: z.int().nullable() }),
});
const stockAnswer = z.object({ city: z.object({ stock: z.object({ edges: z.array(level) }) }) });
const homeAnswer = stockAnswer.extend({
  client: z.object({ id: z.string() }).nullable(),
  keyedOrder: z.object({ orderId: z.string(), requestHash: z.string() }).nullish(),
});
const productsAnswer = z.object({
  _entities: z.array(z.object({ id: z.string(), price: z.int(), discontinued: z.boolean() }).nullable()),
});

export function createOrderReads(
  { partitions }: PartitionPlacement,
  catalogUrls: readonly string[],
  send: Send,
): OrderReads {
  const cityUrls = new Map(partitions.map(({ id, urls }) => [id, urls]));
  const deadlineMs = READ_DEADLINE_MS;

  return {
    async home(cityId, { clientId, idempotencyKey, productIds }, deadlineMs = READ_DEADLINE_MS) {
      const variables = {
        cityId,
        clientId,
        key: idempotencyKey ?? "",
        hasKey: idempotencyKey !== null,
        productIds,
      };
      const question = { query: HOME, operationName: "OrderHome", variables, answer: homeAnswer, deadlineMs };
      const data = await ask(send, cityUrls.get(cityId)!, question);
      return {
        clientExists: data.client !== null,
        keyedOrder: data.keyedOrder ?? null,
        levels: levelsOf(data),
      };
    },

    async stock(cityId, productIds) {
      const variables = { cityId, productIds };
      const question = {
        query: STOCK,
        operationName: "OrderStock",
        variables,
        answer: stockAnswer,
        deadlineMs,
      };
      return levelsOf(await ask(send, cityUrls.get(cityId)!, question));
    },

    async products(productIds) {
      const variables = { representations: productIds.map((id) => ({ __typename: "Product", id })) };
      const question = {
        query: PRODUCTS,
        operationName: "OrderProducts",
        variables,
        answer: productsAnswer,
        deadlineMs,
      };
      const { _entities: found } = await ask(send, catalogUrls, question);
      return new Map(found.filter((product) => product !== null).map((product) => [product.id, product]));
    },
  };
}

function levelsOf({ city }: z.infer<typeof stockAnswer>): StockLevels {
  return new Map(city.stock.edges.map(({ node }) => [node.product.id, node.available ?? 0]));
}
