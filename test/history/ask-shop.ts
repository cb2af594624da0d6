/** Sends a client's request to the gateway and returns what the client then knows. */
import type { ShopAnswer, ShopRequest } from "./operations.ts";

interface Document {
  query: string;
  variables: Record<string, unknown>;
  /** Reads the answer from the value of the root field, which is not null. */
  read: (field: Answered) => ShopAnswer;
}

/** A field of the answer; the document decides which of these members it has. */
interface Answered {
  __typename?: string;
  order?: { id: string };
  transaction?: { id: string };
  entry?: { id: string };
  wallet?: { balance: number };
  status?: "PLACED" | "CANCELLED";
  stock?: { edges: { node: { onHand: number; available: number } }[] };
}

interface GraphQLAnswer {
  data?: Record<string, unknown> | null;
  errors?: { message: string; path?: (string | number)[]; extensions?: { code?: string } }[];
}

/**
 * The documents of the requests. The orchestrator's own answer has the ids that `happened` is read from, so
 * no city is asked for them.
 */
const DOCUMENTS = {
  place: `mutation ($input: PlaceOrderInput!) { done: placeOrder(input: $input) { __typename ... on OrderPlaced { order { id } } } }`,
  cancel: `mutation ($input: CancelOrderInput!) { done: cancelOrder(input: $input) {
    __typename ... on OrderCancelled { transaction { id } } } }`,
  transfer: `mutation ($input: TransferStockInput!) { done: transferStock(input: $input) {
    __typename ... on StockTransferred { transaction { id } } } }`,
  topUp: `mutation ($input: TopUpWalletInput!) { done: topUpWallet(input: $input) {
    __typename ... on WalletToppedUp { entry { id } } } }`,
  restock: `mutation ($input: RestockInput!) { done: restock(input: $input) { __typename } }`,
  readWallet: `query ($id: ID!) { done: client(id: $id) { wallet { balance } } }`,
  // Reads the stock of one city only, as a page of one product.
  readLevel: `query ($id: ID!, $productId: ID!) { done: city(id: $id) {
    stock(first: 1, filter: { productIds: [$productId] }) { edges { node { onHand available } } } } }`,
  readOrder: `query ($id: ID!) { done: order(id: $id) { status } }`,
} as const;

function documentOf(request: ShopRequest): Document {
  const query = DOCUMENTS[request.kind];
  switch (request.kind) {
    case "place": {
      const { clientId, lines, payment, key } = request;
      const input = { clientId, lines, payment, idempotencyKey: key };
      return { query, variables: { input }, read: happened("OrderPlaced", ({ order }) => order?.id) };
    }
    case "cancel": {
      const input = { orderId: request.orderId, idempotencyKey: request.key };
      return { query, variables: { input }, read: happened("OrderCancelled", transactionIdOf) };
    }
    case "transfer": {
      const { productId, from, to, quantity, key } = request;
      const input = { productId, fromCityId: from, toCityId: to, quantity, idempotencyKey: key };
      return { query, variables: { input }, read: happened("StockTransferred", transactionIdOf) };
    }
    case "topUp": {
      const { clientId, amount, key } = request;
      const input = { clientId, amount, idempotencyKey: key };
      return { query, variables: { input }, read: happened("WalletToppedUp", ({ entry }) => entry?.id) };
    }
    case "restock": {
      const { cityId, productId, quantity, key } = request;
      const input = { cityId, productId, quantity, idempotencyKey: key };
      return { query, variables: { input }, read: happened("Restocked", () => null) };
    }
    case "readWallet":
      return {
        query,
        variables: { id: request.clientId },
        read: ({ wallet }) => ({ kind: "wallet", balance: wallet!.balance }),
      };
    case "readLevel":
      return { query, variables: { id: request.cityId, productId: request.productId }, read: readLevel };
    case "readOrder":
      return {
        query,
        variables: { id: request.orderId },
        read: ({ status }) => ({ kind: "order", status: status! }),
      };
    default:
      return request satisfies never;
  }
}

const transactionIdOf = ({ transaction }: Answered) => transaction?.id;

function happened(typename: string, idOf: (field: Answered) => string | null | undefined) {
  return (field: Answered): ShopAnswer => {
    if (field.__typename === "OutcomeUnknown") return { kind: "unknown", why: "OutcomeUnknown" };
    if (field.__typename !== typename) return { kind: "refused", why: field.__typename ?? "nothing" };
    const id = idOf(field);
    return id === undefined
      ? { kind: "unknown", why: `${typename} without an id` }
      : { kind: "happened", id };
  };
}

function readLevel({ stock }: Answered): ShopAnswer {
  const { onHand, available } = stock!.edges[0]?.node ?? { onHand: 0, available: 0 };
  return { kind: "level", onHand, available };
}

/** Longer than the gateway's own limit (5 s), because a client that leaves earlier learns less. */
const ANSWER_LIMIT_MS = 8_000;

/** Sends the request. Never rejects: an unknown outcome is an answer too. */
export async function askShop(url: string, request: ShopRequest): Promise<ShopAnswer> {
  const { query, variables, read } = documentOf(request);
  let answer: GraphQLAnswer;
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ query, variables }),
      signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
    });
    answer = (await response.json()) as GraphQLAnswer;
  } catch (error) {
    return { kind: "unknown", why: (error as Error).name };
  }
  const field = answer.data?.done as Answered | null | undefined;
  if (field && !answer.errors) return read(field);
  if (field === null && !answer.errors && request.kind === "readOrder")
    return { kind: "order", status: null };
  const code = answer.errors?.[0]?.extensions?.code ?? "no code";
  const isRequestsFault = code === "BAD_USER_INPUT" || code === "GRAPHQL_VALIDATION_FAILED";
  return { kind: isRequestsFault ? "refused" : "unknown", why: code };
}
