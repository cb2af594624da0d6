/**
 * One transaction of an order, a cancellation or a transfer: the orchestrator's side of the commit protocol,
 * from the first prepare to the decision.
 *
 *   preparing    sends prepare to every participant; the home is never one.
 *                All PREPARED → committing. Otherwise → ended: no commit was sent, so it may be aborted.
 *   committing   sends commit to the home, and again while no answer comes.
 *                An answer → ended, as the answer says. None after COMMIT_SENDS_MAX → asking.
 *   asking       asks the home for the outcome, which fences an undecided transaction.
 *                COMMITTED or ABORTED → ended. No answer → ended: unknown if a commit may have arrived.
 *   ended        holds the result, and what the participants must be told.
 *
 * A transaction with nothing to prepare begins in committing. That is an order that the home can fill alone,
 * and every cancellation, since giving back cannot be refused. Only this file decides to tell participants
 * ABORTED, and only in two cases: the home has answered that it has not committed and never will, or no
 * commit can have reached it.
 */

import { TransportError } from "@teranga/kit/http/transport.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import { backoffMs, type Clock } from "@teranga/kit/process/retry.ts";
import { ATTRIBUTE, inSpan } from "@teranga/kit/process/tracing.ts";
import { alarm } from "../alarm.ts";
import type { CommitAnswer, OutcomeAnswer, PrepareAnswer, ProductQuantity } from "../messages.ts";
import { TRANSACTION_ATTRIBUTE } from "../span-attributes.ts";
import type { CityMessages } from "./city-messages.ts";
import { aborted, happened, idOf, type Transaction, type TransactionEnd } from "./transaction-model.ts";

type TransactionState =
  | { state: "preparing" }
  | { state: "committing"; sends: number; mayHaveArrived: boolean }
  | { state: "asking"; asks: number; mayHaveArrived: boolean }
  | { state: "ended"; end: TransactionEnd };

/** The dependencies of a transaction. */
export interface TransactionMeans {
  messages: CityMessages;
  clock: Clock;
  /** Resolves after `ms` milliseconds. */
  delay: (ms: number) => Promise<unknown>;
  log: Logger;
}

/**
 * Longer than any client is made to wait. So participants ask only about transactions that
 * no orchestrator drives any more.
 */
const PREPARE_LEASE_MS = 10_000;
const PREPARE_DEADLINE_MS = 1_500;
const COMMIT_DEADLINE_MS = 1_500;
const COMMIT_SENDS_MAX = 3;
const OUTCOME_ASKS_MAX = 2;
/**
 * The home gets at least this long, even when the client's time is over: without its
 * answer the client learns nothing.
 */
const LAST_DEADLINE_MS = 200;
const BACKOFF = { firstMs: 50, maxMs: 200 };

/** Runs a transaction to its end, in at most 1 + COMMIT_SENDS_MAX + OUTCOME_ASKS_MAX steps. Never rejects. */
export function runTransaction(transaction: Transaction, means: TransactionMeans): Promise<TransactionEnd> {
  const attributes = {
    [TRANSACTION_ATTRIBUTE.id]: idOf(transaction),
    [TRANSACTION_ATTRIBUTE.kind]: transaction.message.kind,
    [TRANSACTION_ATTRIBUTE.city]: transaction.homeId,
  };
  return inSpan("transaction", { attributes }, async (span) => {
    const end = await advanceToEnd(transaction, means);
    span.setAttribute(ATTRIBUTE.result, end.result.kind);
    return end;
  });
}

async function advanceToEnd(transaction: Transaction, means: TransactionMeans): Promise<TransactionEnd> {
  let current: TransactionState =
    transaction.participants.size > 0
      ? { state: "preparing" }
      : { state: "committing", sends: 0, mayHaveArrived: false };
  while (current.state !== "ended") current = await advance(current, transaction, means);
  return current.end;
}

function advance(
  current: Exclude<TransactionState, { state: "ended" }>,
  transaction: Transaction,
  means: TransactionMeans,
): Promise<TransactionState> {
  switch (current.state) {
    case "preparing":
      return prepare(transaction, means);
    case "committing":
      return commit(current, transaction, means);
    case "asking":
      return askOutcome(current, transaction, means);
    default:
      return current satisfies never;
  }
}

/**
 * A participant's vote. `NONE`: no answer came; the participant `mayHold` stock unless the
 * message certainly never arrived.
 */
type Vote = { cityId: string; answer: PrepareAnswer | { state: "NONE"; mayHold: boolean } };

async function prepare(transaction: Transaction, means: TransactionMeans): Promise<TransactionState> {
  const votes = await Promise.all(
    [...transaction.participants].map(([cityId, lines]) => collectVote(cityId, lines, transaction, means)),
  );
  if (votes.every(({ answer }) => answer.state === "PREPARED")) {
    return { state: "committing", sends: 0, mayHaveArrived: false };
  }
  const holding = votes.filter(
    ({ answer }) => answer.state === "PREPARED" || (answer.state === "NONE" && answer.mayHold),
  );
  const release = holding.map(({ cityId }) => cityId);
  const violation = votes.find(({ answer }) => answer.state === "VIOLATION");
  if (violation) return ended(aborted(transaction, { kind: "violation", cityId: violation.cityId }, release));
  const refusals = votes.flatMap(({ cityId, answer }) =>
    answer.state === "REFUSED" ? [{ cityId, shortages: answer.shortages }] : [],
  );
  // ABORTED and TOO_OLD say as little about the participant's stock as no answer does.
  const isSilent = ({ answer }: Vote) => ["NONE", "ABORTED", "TOO_OLD"].includes(answer.state);
  const silentCities = votes.filter(isSilent).map(({ cityId }) => cityId);
  return ended(aborted(transaction, { kind: "refused", refusals, silentCities }, release));
}

async function collectVote(
  cityId: string,
  lines: readonly ProductQuantity[],
  transaction: Transaction,
  { messages, clock, log }: TransactionMeans,
): Promise<Vote> {
  const { kind } = transaction.message;
  const transactionId = idOf(transaction);
  // Half of the time left is kept for the commit.
  const deadlineMs = shareOfTime(transaction.answerByMs, 2, PREPARE_DEADLINE_MS, clock);
  try {
    const message = { transactionId, kind, lines, leaseMs: PREPARE_LEASE_MS };
    const answer = await messages.prepare(cityId, message, deadlineMs);
    if (answer.state === "VIOLATION")
      alarm({ log }, { transactionId, city: cityId }, "the answer to prepare is VIOLATION");
    if (answer.state === "TOO_OLD") tooOld(log, transactionId, cityId);
    return { cityId, answer };
  } catch (error) {
    log.warn({ err: error, transactionId, participant: cityId }, "a participant did not vote");
    return { cityId, answer: { state: "NONE", mayHold: mayHaveArrived(error) } };
  }
}

async function commit(
  current: Extract<TransactionState, { state: "committing" }>,
  transaction: Transaction,
  { messages, clock, delay, log }: TransactionMeans,
): Promise<TransactionState> {
  const { homeId, message, answerByMs } = transaction;
  const sends = current.sends + 1;
  const stepsLeft = COMMIT_SENDS_MAX - current.sends + OUTCOME_ASKS_MAX;
  const deadlineMs = shareOfTime(answerByMs, stepsLeft, COMMIT_DEADLINE_MS, clock);
  try {
    const answer = await messages.commit(homeId, message, deadlineMs);
    return ended(committed(answer, transaction, log));
  } catch (error) {
    log.warn({ err: error, transactionId: idOf(transaction), home: homeId, sends }, "no answer to a commit");
    const arrived = current.mayHaveArrived || mayHaveArrived(error);
    if (sends >= COMMIT_SENDS_MAX) return { state: "asking", asks: 0, mayHaveArrived: arrived };
    await delay(backoffMs(current.sends, BACKOFF, clock));
    return { state: "committing", sends, mayHaveArrived: arrived };
  }
}

/** The end of a transaction, by the home's answer to its commit. */
function committed(answer: CommitAnswer, transaction: Transaction, log: Logger): TransactionEnd {
  const { homeId } = transaction;
  switch (answer.state) {
    case "COMMITTED":
      return happened(transaction, answer.participants);
    case "REPLAYED":
      return aborted(transaction, { kind: "replayed", committedId: answer.committedId });
    case "KEY_REUSED":
      return aborted(transaction, { kind: "key-reused", committedId: answer.committedId });
    case "ALREADY_CANCELLED":
      return aborted(transaction, { kind: "already-cancelled", committedId: answer.committedId });
    case "UNKNOWN_CLIENT":
      return aborted(transaction, { kind: "unknown-client" });
    case "UNKNOWN_ORDER":
      return aborted(transaction, { kind: "unknown-order" });
    case "DECLINED":
      return aborted(transaction, {
        kind: "declined",
        balance: answer.balance,
        reason: answer.declined,
      });
    case "REFUSED": {
      const refusals = [{ cityId: homeId, shortages: answer.shortages }];
      return aborted(transaction, { kind: "refused", refusals, silentCities: [] });
    }
    case "FULL":
      return aborted(transaction, { kind: "full", room: answer.room });
    case "TOO_OLD":
      tooOld(log, idOf(transaction), homeId);
      return aborted(transaction, { kind: "fenced" });
    case "ABORTED":
      return aborted(transaction, { kind: "fenced" });
    case "VIOLATION":
      // The home has left its decision as it was. It may be COMMITTED, so the participants must ask the home.
      alarm({ log }, { transactionId: idOf(transaction), city: homeId }, "the answer to commit is VIOLATION");
      return { result: { kind: "violation", cityId: homeId }, announcement: null };
    default:
      return answer satisfies never;
  }
}

/**
 * Ids carry this service's time, and a city forgets ids after weeks. So a clock
 * is wrong and a person must look.
 */
function tooOld(log: Logger, transactionId: string, cityId: string): void {
  log.error(
    { transactionId, city: cityId },
    "a city finds a new transaction too old: a clock is weeks behind",
  );
}

async function askOutcome(
  current: Extract<TransactionState, { state: "asking" }>,
  transaction: Transaction,
  { messages, clock, delay, log }: TransactionMeans,
): Promise<TransactionState> {
  const { homeId, answerByMs } = transaction;
  const transactionId = idOf(transaction);
  const asks = current.asks + 1;
  const deadlineMs = shareOfTime(answerByMs, OUTCOME_ASKS_MAX - current.asks, COMMIT_DEADLINE_MS, clock);
  try {
    const answer = await messages.outcome(homeId, { transactionId, cityId: homeId }, deadlineMs);
    if (answer.state === "VIOLATION")
      alarm({ log }, { transactionId, city: homeId }, "the answer to outcome is VIOLATION");
    return ended(decided(answer, current.mayHaveArrived, transaction));
  } catch (error) {
    log.warn({ err: error, transactionId, home: homeId, asks }, "no answer to the question for an outcome");
    if (asks >= OUTCOME_ASKS_MAX) return ended(unanswered(current.mayHaveArrived, transaction));
    await delay(backoffMs(current.asks, BACKOFF, clock));
    return { ...current, asks };
  }
}

function decided(
  answer: OutcomeAnswer,
  commitMayHaveArrived: boolean,
  transaction: Transaction,
): TransactionEnd {
  switch (answer.state) {
    case "COMMITTED":
      return happened(transaction);
    case "ABORTED":
      return aborted(transaction, { kind: "fenced" });
    case "VIOLATION":
      return unanswered(commitMayHaveArrived, transaction);
    default:
      return answer.state satisfies never;
  }
}

/**
 * The home has not answered. Nothing has happened for certain only if no commit can have reached the home.
 */
function unanswered(commitMayHaveArrived: boolean, transaction: Transaction): TransactionEnd {
  if (!commitMayHaveArrived) return aborted(transaction, { kind: "home-unreachable" });
  return { result: { kind: "unknown" }, announcement: null };
}

function ended(end: TransactionEnd): TransactionState {
  return { state: "ended", end };
}

/** A message may have been acted on unless it was certainly refused unread. */
function mayHaveArrived(error: unknown): boolean {
  return !(error instanceof TransportError && error.effect === "refused");
}

/** An equal share of the time left for each of the remaining steps, in milliseconds. */
function shareOfTime(answerByMs: number, steps: number, limitMs: number, clock: Clock): number {
  return Math.max(LAST_DEADLINE_MS, Math.min(limitMs, (answerByMs - clock.nowMs()) / steps));
}
