/**
 * Cancelling an order: one commit at its home. Then the cities that gave stock are told what they get back.
 */

import { runTransaction } from "@teranga/protocol/orchestrator/transaction.ts";
import {
  idOf,
  type Transaction,
  type TransactionResult,
} from "@teranga/protocol/orchestrator/transaction-model.ts";
import type { CancelOrderResult } from "@teranga/schema/generated/orders.ts";
import { cityUnavailable, keyReused, type Named, outcomeUnknown, protocolViolation } from "../answers.ts";
import type { OrdersContext } from "../context.ts";
import { isLate, type KeyedCall, logEnd, runKeyed, TRANSACTIONS_MAX } from "../keyed-call.ts";
import { type CancelOrderRequest, cancelHash } from "./cancel-request.ts";

/** A member of the result union, with the name of its type. */
export type CancelOrderAnswer = Named<CancelOrderResult>;

/**
 * Cancels an order at its home and in all cities that gave to it, or nowhere.
 * @throws GraphQLError CITY_UNAVAILABLE if the home cannot be reached (then nothing was changed),
 * PROTOCOL_VIOLATION if the home reports a violation
 */
export async function cancelOrder(
  request: CancelOrderRequest,
  context: OrdersContext,
): Promise<CancelOrderAnswer> {
  // No order has such an id. The home would take the message for a violation.
  if (!request.isOrderId) return unknownOrder(request.orderId);
  const { idempotencyKey } = request;
  return runKeyed("cancelOrder", { idempotencyKey, hash: cancelHash(request) }, context, (call) =>
    tryTransactions(request, call, context),
  );
}

async function tryTransactions(
  request: CancelOrderRequest,
  call: KeyedCall,
  context: OrdersContext,
): Promise<CancelOrderAnswer> {
  for (let count = 1; ; count++) {
    const transaction = createTransaction(request, call, context);
    const { result, announcement } = await runTransaction(transaction, context);
    logEnd(transaction, result, count, context);
    if (announcement) void context.delivery.announce(announcement);
    const answer = answerTo(result, transaction, request, call);
    if (answer) return answer;
    if (count >= TRANSACTIONS_MAX || isLate(call, context)) throw cityUnavailable(request.homeId);
  }
}

function createTransaction(
  { orderId, clientId, homeId }: CancelOrderRequest,
  { key, hash, answerByMs }: KeyedCall,
  { newId }: OrdersContext,
): Transaction {
  const transactionId = `${homeId}:${newId()}`;
  return {
    homeId,
    message: {
      kind: "CANCELLATION",
      commit: {
        transactionId,
        orderId,
        ...(clientId !== null && { clientId }),
        idempotencyKey: key,
        requestHash: hash,
      },
    },
    // Giving back cannot be refused, so there is nothing to prepare.
    participants: new Map(),
    answerByMs,
  };
}

/** The client's answer after a transaction; null if another one may still succeed. */
function answerTo(
  result: TransactionResult,
  transaction: Transaction,
  { orderId, homeId }: CancelOrderRequest,
  { key }: KeyedCall,
): CancelOrderAnswer | null {
  switch (result.kind) {
    case "committed":
      return orderCancelled(orderId, idOf(transaction));
    case "replayed":
      return orderCancelled(orderId, result.committedId);
    case "key-reused":
      return keyReused({ transactionId: result.committedId });
    case "already-cancelled":
      return {
        __typename: "OrderAlreadyCancelled",
        message: "The order was cancelled before. Nothing was changed.",
        order: { id: orderId },
      };
    case "unknown-order":
      return unknownOrder(orderId);
    case "unknown":
      return outcomeUnknown("the order is cancelled", idOf(transaction), key);
    case "fenced":
      return null;
    case "home-unreachable":
      throw cityUnavailable(homeId);
    case "violation":
      throw protocolViolation(result.cityId);
    case "refused":
    case "declined":
    case "unknown-client":
    case "full":
      throw new Error(`a cancellation cannot end as ${result.kind}`);
    default:
      return result satisfies never;
  }
}

function orderCancelled(orderId: string, transactionId: string): CancelOrderAnswer {
  return { __typename: "OrderCancelled", order: { id: orderId }, transaction: { id: transactionId } };
}

export function unknownOrder(orderId: string): CancelOrderAnswer {
  return { __typename: "UnknownOrder", message: "There is no order of this id.", orderId };
}
