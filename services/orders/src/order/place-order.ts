/**
 * Places an order: reads, allocates, and runs a transaction. Runs a new
 * transaction while one can still succeed.
 */
import type { Allocation, PricedLine } from "@teranga/protocol/messages.ts";
import { runTransaction } from "@teranga/protocol/orchestrator/transaction.ts";
import {
  idOf,
  type Transaction,
  type TransactionResult,
} from "@teranga/protocol/orchestrator/transaction-model.ts";
import type { OrderPlaced, PlaceOrderResult } from "@teranga/schema/generated/orders.ts";
import {
  cityUnavailable,
  keyReused,
  type Named,
  outcomeUnknown,
  protocolViolation,
  unknownClient,
} from "../answers.ts";
import type { OrdersContext } from "../context.ts";
import { isLate, type KeyedCall, logEnd, runKeyed, TRANSACTIONS_MAX } from "../keyed-call.ts";
import type { Stock } from "../model.ts";
import { linesByCity } from "./allocation.ts";
import { nearestFirst } from "./distance.ts";
import {
  canGuess,
  guessFacts,
  type OrderFacts,
  readFacts,
  readKeyedOrder,
  readStock,
} from "./order-facts.ts";
import type { KeyedTransaction } from "./order-reads.ts";
import { requestHash as hashOf, type PlaceOrderRequest } from "./order-request.ts";
import { outOfStock, outOfStockAtLast } from "./out-of-stock.ts";
import { paymentDeclined } from "./payment-declined.ts";
import { allocateWithin, type LimitedAllocation } from "./split-limit.ts";

/**
 * How long an order waits for its participants to hear ABORTED. One that has not heard by then holds the
 * stock a little longer, and the order goes on without it.
 */
const RELEASE_WAIT_MS = 300;

interface OrderCall extends KeyedCall {
  request: PlaceOrderRequest;
  context: OrdersContext;
}

/** A member of the result union, with the name of its type. */
export type PlaceOrderAnswer = Named<PlaceOrderResult>;
type ReadyFacts = Extract<OrderFacts, { kind: "ready" }>;

/**
 * Places an order in all cities that it needs, or in none.
 * @throws GraphQLError CITY_UNAVAILABLE or SUBGRAPH_UNAVAILABLE if it cannot even begin (then nothing was
 * changed), PROTOCOL_VIOLATION if a city reports a violation
 */
export function placeOrder(request: PlaceOrderRequest, context: OrdersContext): Promise<PlaceOrderAnswer> {
  const { idempotencyKey } = request;
  return runKeyed("placeOrder", { idempotencyKey, hash: hashOf(request) }, context, (call) =>
    answerCall({ ...call, request, context }),
  );
}

async function answerCall(call: OrderCall): Promise<PlaceOrderAnswer> {
  const { request, context } = call;
  const guess = canGuess(request, context) ? await guessFacts(request, context) : null;
  if (guess) return tryTransactions(call, guess);
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

async function tryTransactions(call: OrderCall, facts: ReadyFacts): Promise<PlaceOrderAnswer> {
  const { request, context } = call;
  const { homeId, expectedTotal, maxSplits } = request;
  const { lines } = facts;
  const total = totalOf(lines);
  if (expectedTotal !== null && expectedTotal !== total) {
    return giveUp(call, 0, () => priceChanged(expectedTotal, total));
  }
  let cityIds = nearestFirst(context.cities.partitions, homeId);
  let stock = facts.stock;
  for (let count = 1; ; count++) {
    const allocation = allocateWithin(lines, cityIds, stock, maxSplits);
    if (allocation.kind !== "allocated") {
      return giveUp(call, count - 1, () => notAllocated(allocation, request, stock));
    }
    const { allocations } = allocation;
    const transaction = createTransaction(call, lines, allocations);
    const { result, announcement } = await runTransaction(transaction, context);
    logEnd(transaction, result, count, context);
    const told = announcement ? context.delivery.announce(announcement) : undefined;

    noteLevels(result, homeId, allocations, context);

    const answer = answerTo(result, transaction, total, call);
    if (answer) return answer;
    const end = () =>
      giveUp(call, count, () => answerAtLast(result, { lines, cityIds, stock, allocations, homeId }));
    if (count >= TRANSACTIONS_MAX || isLate(call, context)) return end();
    // The next transaction needs the stock that was set aside for this one.
    await Promise.race([told, context.delay(RELEASE_WAIT_MS)]);
    cityIds = silentLast(cityIds, result);
    stock = await readStock(homeId, productIdsOf(lines), context);
    if (isLate(call, context)) return end();
  }
}

/**
 * Answers that the order is not placed, unless another try with the same key has placed it meanwhile. In that
 * case the stock may be short only because that order took it.
 */
async function giveUp(
  { request, hash, answerByMs, context }: OrderCall,
  transactions: number,
  answer: () => PlaceOrderAnswer,
): Promise<PlaceOrderAnswer> {
  const { clientId, idempotencyKey } = request;
  const earlier =
    idempotencyKey === null ? null : await readKeyedOrder(request, idempotencyKey, answerByMs, context);
  if (earlier) return earlierOrder(earlier, hash);
  context.log.info({ client: clientId, transactions }, "order not placed");
  return answer();
}

/** Remembers what a transaction has shown about the stock, for later guesses. */
function noteLevels(
  result: TransactionResult,
  homeId: string,
  allocations: readonly Allocation[],
  { reads }: OrdersContext,
): void {
  if (result.kind === "refused") {
    for (const { cityId, shortages } of result.refusals)
      reads.noteLevels(cityId, new Map(shortages.map(({ productId, available }) => [productId, available])));
  }
  if (result.kind === "committed") {
    const taken = allocations.filter(({ cityId }) => cityId === homeId);
    const levels = reads.lastLevels(homeId);
    const left = taken.map(
      ({ productId, quantity }) => [productId, (levels.get(productId) ?? 0) - quantity] as const,
    );
    reads.noteLevels(homeId, new Map(left));
  }
}

/**
 * A city that did not vote is used again only if the other cities have too little. The home stays first,
 * because it must decide anyway.
 */
function silentLast(cityIds: readonly string[], result: TransactionResult): string[] {
  const silent = result.kind === "refused" ? result.silentCities : [];
  return [...cityIds.filter((id) => !silent.includes(id)), ...cityIds.filter((id) => silent.includes(id))];
}

function createTransaction(
  { request, hash, key, answerByMs, context }: OrderCall,
  lines: readonly PricedLine[],
  allocations: readonly Allocation[],
): Transaction {
  const { homeId, clientId, payment } = request;
  const participants = linesByCity(allocations);
  participants.delete(homeId);
  const commit = {
    transactionId: `${homeId}:${context.newId()}`,
    clientId,
    idempotencyKey: key,
    requestHash: hash,
    lines,
    allocations,
    paymentMethod: payment,
  };
  return { homeId, message: { kind: "ORDER", commit }, participants, answerByMs };
}

/** The client's answer after a transaction; null if another one may still succeed. */
function answerTo(
  result: TransactionResult,
  transaction: Transaction,
  total: number,
  { request, key }: OrderCall,
): PlaceOrderAnswer | null {
  switch (result.kind) {
    case "committed":
      return orderPlaced(idOf(transaction));
    case "replayed":
      return orderPlaced(result.committedId);
    case "key-reused":
      return keyReusedByOrder(result.committedId);
    case "unknown-client":
      return unknownClient(request.clientId);
    case "declined":
      return paymentDeclined(request, total, result);
    case "unknown":
      return outcomeUnknown("the order is placed", idOf(transaction), key);
    case "home-unreachable":
      throw cityUnavailable(request.homeId);
    case "violation":
      throw protocolViolation(result.cityId);
    case "refused":
    case "fenced":
      return null;
    case "unknown-order":
    case "already-cancelled":
    case "full":
      throw new Error(`an order cannot end as ${result.kind}`);
    default:
      return result satisfies never;
  }
}

/** What the last transaction was based on. */
interface LastTransaction {
  lines: readonly PricedLine[];
  cityIds: readonly string[];
  stock: Stock;
  allocations: readonly Allocation[];
  homeId: string;
}

/** The client's answer when no more transactions are tried. */
function answerAtLast(
  result: TransactionResult,
  { lines, cityIds, stock, allocations, homeId }: LastTransaction,
): PlaceOrderAnswer {
  // A home that is reached too late every time is as useless as a home that is not reached.
  if (result.kind !== "refused") throw cityUnavailable(homeId);
  const { refusals, silentCities } = result;
  return outOfStockAtLast(lines, cityIds, stock, { refusals, silentCities, allocations });
}

function notAllocated(
  allocation: Exclude<LimitedAllocation, { kind: "allocated" }>,
  { maxSplits }: PlaceOrderRequest,
  { missingCities }: Stock,
): PlaceOrderAnswer {
  if (allocation.kind === "short") return outOfStock(allocation.shortages, missingCities);
  return {
    __typename: "SplitLimitExceeded",
    message: "There is enough, but not in so few cities. Nothing was changed.",
    maxSplits: maxSplits!,
    splits: allocation.splits,
  };
}

function priceChanged(expectedTotal: number, total: number): PlaceOrderAnswer {
  const message = "The order costs something else than was expected. Nothing was changed.";
  return { __typename: "PriceChanged", message, expectedTotal, total };
}

/** The answer to a call whose key was used before. */
function earlierOrder({ transactionId, requestHash }: KeyedTransaction, hash: string): PlaceOrderAnswer {
  return requestHash === hash ? orderPlaced(transactionId) : keyReusedByOrder(transactionId);
}

function orderPlaced(orderId: string): Named<OrderPlaced> {
  return { __typename: "OrderPlaced", order: { id: orderId }, transaction: { id: orderId } };
}

function keyReusedByOrder(orderId: string): PlaceOrderAnswer {
  return keyReused({ transactionId: orderId, orderId });
}

function productIdsOf(lines: readonly PricedLine[]): string[] {
  return lines.map(({ productId }) => productId);
}

function totalOf(lines: readonly PricedLine[]): number {
  return lines.reduce((sum, { quantity, unitPrice }) => sum + quantity * unitPrice, 0);
}
