/** Calls that happen once, however often they are sent: what placing, cancelling and transferring have in common. */
import { withinDeadlineMs } from "@teranga/kit/http/deadline.ts";
import type { Transaction, TransactionResult } from "@teranga/protocol/orchestrator/transaction-model.ts";
import { idOf } from "@teranga/protocol/orchestrator/transaction-model.ts";
import type { OrdersContext } from "./context.ts";

/** How long the gateway waits for a service if it does not say. */
const CALLER_WAITS_MS = 5_000;
/**
 * Of the time that the caller waits, so much is for the steps that are taken even when the time is over (LAST_DEADLINE_MS), and for the
 * last look at the key: a client that gets no answer would not learn what has become of its order. The caller's deadline ends
 * nothing beyond that: what was sent to a home is followed to its end, and decisions are told whether anybody waits or not.
 */
const LAST_STEPS_MS = 1_000;
/** What has lost three times against others would most likely lose again. */
export const TRANSACTIONS_MAX = 3;
/** With less time left a further transaction could not be repeated if an answer was lost. */
const TRANSACTION_TIME_MIN_MS = 2_000;

/** One call. */
export interface KeyedCall {
  /** The client's key, or one made for this call. */
  key: string;
  /** A digest of the request. */
  hash: string;
  answerByMs: number;
}

/**
 * Runs a call; one that is under way with the same key and request gives its answer to both.
 * @param idempotencyKey the client's own, if it gave one
 * @param hash of all that makes the request, so also of whose key it is
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

/** The one log line of a transaction's end. @param count how many the call has run */
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
