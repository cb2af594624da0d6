/** Calls that happen once, however often they are sent. Placing, cancelling and transferring share this. */
import { withinDeadlineMs } from "@teranga/kit/http/deadline.ts";
import type { Transaction, TransactionResult } from "@teranga/protocol/orchestrator/transaction-model.ts";
import { idOf } from "@teranga/protocol/orchestrator/transaction-model.ts";
import type { OrdersContext } from "./context.ts";

/** How long the gateway waits for a service, if its request does not say. */
const CALLER_WAITS_MS = 5_000;
/**
 * The part of the caller's time that is kept for the steps taken even when the time is over
 * (LAST_DEADLINE_MS) and for the last look-up of the key: a client without an answer would not learn what
 * became of its order. The caller's deadline ends nothing else: a commit that was sent to a home is followed
 * to its end, and decisions are delivered although the caller no longer waits.
 */
const LAST_STEPS_MS = 1_000;
/** An order that has lost three times against others would most likely lose again. */
export const TRANSACTIONS_MAX = 3;
/** With less time left, a further transaction could not be repeated if an answer was lost. */
const TRANSACTION_TIME_MIN_MS = 2_000;

export interface KeyedCall {
  /** The client's key, or one made for this call. */
  key: string;
  /** A digest of the request. */
  hash: string;
  /** When the caller must have its answer, in milliseconds since 1970. */
  answerByMs: number;
}

/**
 * Runs a call. A call with the same key and request that is under way already gives its answer to both.
 * @param idempotencyKey the client's own; null if it gave none
 * @param hash digest of everything in the request, and so also of the key's owner
 */
export function runKeyed<Result>(
  operation: string,
  { idempotencyKey, hash }: { idempotencyKey: string | null; hash: string },
  context: OrdersContext,
  run: (call: KeyedCall) => Promise<Result>,
): Promise<Result> {
  const answerByMs = context.clock.nowMs() + withinDeadlineMs(CALLER_WAITS_MS) - LAST_STEPS_MS;
  if (idempotencyKey === null) return run({ key: context.newId(), hash, answerByMs });
  const begin = () => run({ key: idempotencyKey, hash, answerByMs });
  return context.calls.run([operation, idempotencyKey, hash], begin);
}

/** Whether there is no time for another transaction. */
export function isLate({ answerByMs }: KeyedCall, { clock }: OrdersContext): boolean {
  return answerByMs - clock.nowMs() < TRANSACTION_TIME_MIN_MS;
}

/**
 * Logs the end of a transaction.
 * @param count how many transactions the call has run
 */
export function logEnd(
  transaction: Transaction,
  result: TransactionResult,
  count: number,
  { log, metrics }: OrdersContext,
): void {
  const { message, participants } = transaction;
  metrics.ended(message.kind, result.kind);
  const line = {
    transactionId: idOf(transaction),
    kind: message.kind,
    result: result.kind,
    transactions: count,
    participants: [...participants.keys()],
  };
  log.info(line, "transaction ended");
}
