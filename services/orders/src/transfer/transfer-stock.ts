/** Moves stock between cities: the giving city prepares, the receiving city is the home and commits. */
import { TransportError } from "@teranga/kit/http/transport.ts";
import { runTransaction } from "@teranga/protocol/orchestrator/transaction.ts";
import {
  idOf,
  type Transaction,
  type TransactionResult,
} from "@teranga/protocol/orchestrator/transaction-model.ts";
import type { TransferStockResult } from "@teranga/schema/generated/orders.ts";
import {
  catalogUnavailable,
  cityUnavailable,
  keyReused,
  type Named,
  outcomeUnknown,
  outcomeUnseen,
  protocolViolation,
} from "../answers.ts";
import type { OrdersContext } from "../context.ts";
import { isLate, type KeyedCall, logEnd, runKeyed, TRANSACTIONS_MAX } from "../keyed-call.ts";
import type { KeyedTransaction } from "../order/order-reads.ts";
import { outOfStock } from "../order/out-of-stock.ts";
import { type TransferStockRequest, transferHash } from "./transfer-request.ts";

/** A member of the result union, with the name of its type. */
export type TransferStockAnswer = Named<TransferStockResult>;

interface TransferCall extends KeyedCall {
  request: TransferStockRequest;
  context: OrdersContext;
}

/**
 * Moves stock in both cities or in neither.
 * @throws GraphQLError CITY_UNAVAILABLE or SUBGRAPH_UNAVAILABLE if a city or the catalog cannot be reached
 * (then nothing was changed), PROTOCOL_VIOLATION if a city reports a violation
 */
export function transferStock(
  request: TransferStockRequest,
  context: OrdersContext,
): Promise<TransferStockAnswer> {
  const { idempotencyKey } = request;
  return runKeyed("transferStock", { idempotencyKey, hash: transferHash(request) }, context, (call) =>
    answerCall({ ...call, request, context }),
  );
}

async function answerCall(call: TransferCall): Promise<TransferStockAnswer> {
  const { request, context } = call;
  const { productId, toCityId } = request;
  // A replay needs no catalog, so it is answered while the catalog is away.
  const earlier = await readEarlier(call, cityUnavailable);
  if (earlier) return earlierTransfer(earlier, call);
  const products = await orThrow(context.reads.products([productId]), catalogUnavailable, context);
  if (!products.has(productId))
    return { __typename: "UnknownProduct", message: "There is no product of this id.", productId };
  for (let count = 1; ; count++) {
    const transaction = createTransaction(call);
    const { result, announcement } = await runTransaction(transaction, context);
    logEnd(transaction, result, count, context);
    if (announcement) void context.delivery.announce(announcement);
    const answer = await answerTo(result, transaction, call);
    if (answer) return answer;
    if (count >= TRANSACTIONS_MAX || isLate(call, context)) throw cityUnavailable(toCityId);
  }
}

/** The transfer of the client's key; null if the key is unused. */
async function readEarlier(
  { request, context }: TransferCall,
  unanswered: (cityId: string) => Error,
): Promise<KeyedTransaction | null> {
  const { toCityId, idempotencyKey } = request;
  if (idempotencyKey === null) return null;
  const read = context.reads.keyedTransfer(toCityId, idempotencyKey);
  return orThrow(read, () => unanswered(toCityId), context);
}

function createTransaction({ request, key, hash, answerByMs, context }: TransferCall): Transaction {
  const { productId, fromCityId, toCityId, quantity } = request;
  const commit = {
    transactionId: `${toCityId}:${context.newId()}`,
    productId,
    fromCityId,
    quantity,
    idempotencyKey: key,
    requestHash: hash,
  };
  return {
    homeId: toCityId,
    message: { kind: "TRANSFER", commit },
    participants: new Map([[fromCityId, [{ productId, quantity }]]]),
    answerByMs,
  };
}

/** The client's answer after a transaction; null if another one may still succeed. */
async function answerTo(
  result: TransactionResult,
  transaction: Transaction,
  call: TransferCall,
): Promise<TransferStockAnswer | null> {
  switch (result.kind) {
    case "committed":
      return stockTransferred(call, idOf(transaction));
    case "replayed":
      return stockTransferred(call, result.committedId);
    case "key-reused":
      return keyReused({ transactionId: result.committedId });
    case "refused":
      return refused(result, call);
    case "full":
      return noRoom(result.room, call);
    case "unknown":
      return outcomeUnknown("the pieces are moved", idOf(transaction), call.key);
    case "fenced":
      return null;
    case "home-unreachable":
      throw cityUnavailable(call.request.toCityId);
    case "violation":
      throw protocolViolation(result.cityId);
    case "declined":
    case "unknown-client":
    case "unknown-order":
    case "already-cancelled":
      throw new Error(`a transfer cannot end as ${result.kind}`);
    default:
      return result satisfies never;
  }
}

/**
 * The giving city has too little or gave no vote. The stock may be short only because another try with the
 * same key has moved it.
 */
async function refused(
  { refusals }: Extract<TransactionResult, { kind: "refused" }>,
  call: TransferCall,
): Promise<TransferStockAnswer> {
  const earlier = await readEarlier(call, outcomeUnseen);
  if (earlier) return earlierTransfer(earlier, call);
  const shortages = refusals.flatMap((refusal) => refusal.shortages);
  if (shortages.length === 0) throw cityUnavailable(call.request.fromCityId);
  return outOfStock(shortages, []);
}

function noRoom(room: number, { request }: TransferCall): TransferStockAnswer {
  const { toCityId, productId } = request;
  return {
    __typename: "NoRoom",
    message: "The receiving city has no room for so many pieces. Nothing was changed.",
    city: { id: toCityId },
    product: { id: productId },
    room,
  };
}

function earlierTransfer(
  { transactionId, requestHash }: KeyedTransaction,
  call: TransferCall,
): TransferStockAnswer {
  return requestHash === call.hash ? stockTransferred(call, transactionId) : keyReused({ transactionId });
}

function stockTransferred({ request }: TransferCall, transactionId: string): TransferStockAnswer {
  const { productId, fromCityId, toCityId, quantity } = request;
  return {
    __typename: "StockTransferred",
    transaction: { id: transactionId },
    product: { id: productId },
    from: { id: fromCityId },
    to: { id: toCityId },
    quantity,
  };
}

async function orThrow<Value>(
  read: Promise<Value>,
  unavailable: () => Error,
  { log }: OrdersContext,
): Promise<Value> {
  try {
    return await read;
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    log.warn({ err: error }, "what a transfer needs to know could not be read");
    throw unavailable();
  }
}
