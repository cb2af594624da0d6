/** Placing an order: read, allocate, run a transaction; again with a new one while it can still succeed. */
import { codedError } from "@teranga/kit/errors.ts";
import type { OrderPlaced, PlaceOrderResult } from "@teranga/schema/generated/orders.ts";
import { allocate, linesByCity } from "./allocation.ts";
import type { OrdersContext } from "./context.ts";
import { nearestFirst } from "./distance.ts";
import type { Allocation, PricedLine, Stock } from "./model.ts";
import {
  cityUnavailable,
  type Named,
  type OrderFacts,
  readFacts,
  readKeyedOrder,
  readStock,
  unknownClient,
} from "./order-facts.ts";
import { requestHash as hashOf, type PlaceOrderRequest } from "./order-request.ts";
import { type OrderTransaction, runTransaction, type TransactionResult } from "./order-transaction.ts";
import { outOfStock, outOfStockAtLast } from "./out-of-stock.ts";

/**
 * The gateway waits 5 s for a service, and a client that gets no answer would not learn its order's key. The second between is for
 * the steps that are taken even when the time is over (LAST_DEADLINE_MS) and for the last look at the key.
 */
const ANSWER_WITHIN_MS = 4_000;
/** An order that has lost three times against others would most likely lose again. */
const TRANSACTIONS_MAX = 3;
/** With less time left a further transaction could not be repeated if an answer was lost. */
const TRANSACTION_TIME_MIN_MS = 2_000;

/** A participant that does not hear its ABORT within this time holds the stock a little longer; the order goes on without it. */
const RELEASE_WAIT_MS = 300;

/** One call of placeOrder. */
interface OrderCall {
  request: PlaceOrderRequest;
  hash: string;
  /** The client's key, or one made for this call. */
  key: string;
  answerByMs: number;
  context: OrdersContext;
}

/** A member of the union, with its name. */
export type PlaceOrderAnswer = Named<PlaceOrderResult>;
type ReadyFacts = Extract<OrderFacts, { kind: "ready" }>;

/**
 * Places an order in all cities that it needs or in none.
 * @throws GraphQLError CITY_UNAVAILABLE or SUBGRAPH_UNAVAILABLE if it cannot even begin (then nothing was changed),
 *   PROTOCOL_VIOLATION if a city says that we are at fault
 */
export async function placeOrder(
  request: PlaceOrderRequest,
  context: OrdersContext,
): Promise<PlaceOrderAnswer> {
  const call: OrderCall = {
    request,
    hash: hashOf(request),
    key: request.idempotencyKey ?? context.newId(),
    answerByMs: context.clock.nowMs() + ANSWER_WITHIN_MS,
    context,
  };
  if (request.idempotencyKey === null) return answerCall(call);
  const name = JSON.stringify([request.clientId, call.key, call.hash]);
  return context.calls.run(name, () => answerCall(call));
}

async function answerCall(call: OrderCall): Promise<PlaceOrderAnswer> {
  const { request, context } = call;
  const facts = await readFacts(request, request.idempotencyKey, context);
  switch (facts.kind) {
    case "keyed":
      return earlierOrder(facts, call.hash);
    case "rejected":
      return facts.result;
    case "ready":
      return tryTransactions(call, facts);
    default:
      return facts satisfies never;
  }
}

async function tryTransactions(
  call: OrderCall,
  { lines, stock: stockAtFirst }: ReadyFacts,
): Promise<PlaceOrderAnswer> {
  const { request, context, answerByMs } = call;
  const { homeId } = request;
  let cityIds = nearestFirst(context.cities.partitions, homeId);
  let stock = stockAtFirst;
  for (let count = 1; ; count++) {
    const allocation = allocate(lines, cityIds, stock);
    if (allocation.kind === "short") {
      return giveUp(call, count - 1, () => outOfStock(allocation.shortages, stock.missingCities));
    }
    const { allocations } = allocation;
    const transaction = createTransaction(call, lines, allocations, cityIds);
    const { result, announcement } = await runTransaction(transaction, context);
    logDecision(transaction, result, count, context);
    const told = announcement ? context.delivery.announce(announcement) : undefined;

    const answer = answerTo(result, transaction, call);
    if (answer) return answer;
    const isLate = () => answerByMs - context.clock.nowMs() < TRANSACTION_TIME_MIN_MS;
    const last = { lines, cityIds, stock, allocations, homeId };
    const end = () => giveUp(call, count, () => answerAtLast(result, last));
    if (count >= TRANSACTIONS_MAX || isLate()) return end();
    // What was set aside for this transaction is wanted for the next.
    await Promise.race([told, context.delay(RELEASE_WAIT_MS)]);
    cityIds = silentLast(cityIds, result);
    stock = await readStock(homeId, productIdsOf(lines), context);
    if (isLate()) return end();
  }
}

/**
 * Says that the order is not placed, unless another try with the same key has placed it in the meantime: then what is short may
 * well be what that order has taken.
 */
async function giveUp(
  { request, hash, context }: OrderCall,
  transactions: number,
  answer: () => PlaceOrderAnswer,
): Promise<PlaceOrderAnswer> {
  const { clientId, idempotencyKey } = request;
  const earlier = idempotencyKey === null ? null : await readKeyedOrder(request, idempotencyKey, context);
  if (earlier) return earlierOrder(earlier, hash);
  context.log.info({ client: clientId, transactions }, "order not placed");
  return answer();
}

/** A city that did not vote is asked again only if the others have too little. The home stays first: it must decide anyway. */
function silentLast(cityIds: readonly string[], result: TransactionResult): string[] {
  const silent = result.kind === "refused" ? result.silentCities : [];
  return [...cityIds.filter((id) => !silent.includes(id)), ...cityIds.filter((id) => silent.includes(id))];
}

function createTransaction(
  { request, hash, key, answerByMs, context }: OrderCall,
  lines: readonly PricedLine[],
  allocations: readonly Allocation[],
  cityIds: readonly string[],
): OrderTransaction {
  const { homeId, clientId, payment } = request;
  const participants = linesByCity(allocations);
  participants.delete(homeId);
  const [firstParticipant = cityIds.find((id) => id !== homeId)] = participants.keys();
  return {
    homeId,
    commit: {
      transactionId: `${homeId}:${context.newId()}`,
      clientId,
      idempotencyKey: key,
      requestHash: hash,
      lines,
      allocations,
      paymentMethod: payment,
    },
    participants,
    askAs: firstParticipant,
    answerByMs,
  };
}

/** What the client is told after a transaction; null if another one may still succeed. */
function answerTo(
  result: TransactionResult,
  { commit }: OrderTransaction,
  { request, key }: OrderCall,
): PlaceOrderAnswer | null {
  switch (result.kind) {
    case "placed":
    case "replayed":
      return orderPlaced(result.orderId);
    case "key-reused":
      return keyReused(result.orderId);
    case "unknown-client":
      return unknownClient(request.clientId);
    case "unknown":
      return {
        __typename: "OutcomeUnknown",
        message:
          "Whether the order is placed is not known. Send the same request again with this idempotency key.",
        transactionId: commit.transactionId,
        idempotencyKey: key,
      };
    case "home-unreachable":
      throw cityUnavailable(request.homeId);
    case "violation":
      throw codedError("PROTOCOL_VIOLATION", "A city refused a message of the commit protocol.", {
        city: result.cityId,
      });
    case "refused":
    case "fenced":
      return null;
    default:
      return result satisfies never;
  }
}

/** What the last transaction was made from. */
interface LastTransaction {
  lines: readonly PricedLine[];
  cityIds: readonly string[];
  stock: Stock;
  allocations: readonly Allocation[];
  homeId: string;
}

/** What the client is told when no more transactions are tried. */
function answerAtLast(
  result: TransactionResult,
  { lines, cityIds, stock, allocations, homeId }: LastTransaction,
): PlaceOrderAnswer {
  // A home that is reached too late every time is of no more use than one that is not reached.
  if (result.kind !== "refused") throw cityUnavailable(homeId);
  const { refusals, silentCities } = result;
  return outOfStockAtLast(lines, cityIds, stock, { refusals, silentCities, allocations });
}

function logDecision(
  { commit, participants }: OrderTransaction,
  result: TransactionResult,
  count: number,
  { log }: OrdersContext,
): void {
  const line = {
    transactionId: commit.transactionId,
    result: result.kind,
    transactions: count,
    participants: [...participants.keys()],
  };
  log.info(line, "order transaction ended");
}

/** The answer to a call whose key was used before. */
function earlierOrder(
  { orderId, requestHash }: { orderId: string; requestHash: string },
  hash: string,
): PlaceOrderAnswer {
  return requestHash === hash ? orderPlaced(orderId) : keyReused(orderId);
}

function orderPlaced(orderId: string): Named<OrderPlaced> {
  return { __typename: "OrderPlaced", order: { id: orderId }, transaction: { id: orderId } };
}

function keyReused(orderId: string | null): PlaceOrderAnswer {
  return {
    __typename: "IdempotencyKeyReused",
    message: "This idempotency key was used before, for another request. Nothing was changed.",
    order: orderId === null ? null : { id: orderId },
  };
}

function productIdsOf(lines: readonly PricedLine[]): string[] {
  return lines.map(({ productId }) => productId);
}
