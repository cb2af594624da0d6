/**
 * One transaction of an order: the orchestrator's side of the commit protocol, from the first prepare to the decision.
 *
 *   preparing    sends prepare to every participant, the home never among them.
 *                All PREPARED → committing. Anything else → ended: no commit was sent, so it may be aborted.
 *   committing   sends commit to the home, and again while no answer comes.
 *                An answer → ended, as it says. None after COMMIT_SENDS_MAX → asking.
 *   asking       asks the home for the outcome, which fences a transaction that it has not decided.
 *                COMMITTED or ABORTED → ended. No answer → ended, as unknown if a commit may have arrived.
 *   ended        the result, and which participants have to hear what.
 *
 * A transaction without participants begins in committing. The participants' ABORT is decided in this file and nowhere else:
 * only where the home has answered that it has not committed and never will, or where no commit can have reached it.
 */

import type { Logger } from "@teranga/kit/log.ts";
import { backoffMs, type Clock } from "@teranga/kit/retry.ts";
import { TransportError } from "@teranga/kit/transport.ts";
import { alarm } from "./alarm.ts";
import type {
  CityMessages,
  CommitAnswer,
  CommitMessage,
  OutcomeAnswer,
  PrepareAnswer,
} from "./city-messages.ts";
import type { Announcement } from "./decision-delivery.ts";
import type { ProductQuantity, StockShortage } from "./model.ts";

/** What one transaction is to do. Its id is never used again. */
export interface OrderTransaction {
  homeId: string;
  commit: CommitMessage;
  /** What each other city gives. */
  participants: ReadonlyMap<string, readonly ProductQuantity[]>;
  /** The city in whose name the outcome is asked; undefined if there is none but the home. */
  askAs: string | undefined;
  /** When the client has to have an answer, in milliseconds since 1970. */
  answerByMs: number;
}

/** How a transaction ended. All but `placed` and `unknown` mean that it has not happened and never will. */
export type TransactionResult =
  | { kind: "placed"; orderId: string }
  | { kind: "replayed"; orderId: string }
  | { kind: "key-reused"; orderId: string | null }
  | { kind: "unknown-client" }
  /** Cities had too little, or gave no vote. */
  | { kind: "refused"; refusals: Refusal[]; silentCities: string[] }
  /** The home has decided ABORTED and does not say why. */
  | { kind: "fenced" }
  | { kind: "home-unreachable" }
  | { kind: "unknown" }
  /** A message contradicts what the city has recorded: a fault of ours. */
  | { kind: "violation"; cityId: string };

export interface Refusal {
  cityId: string;
  shortages: readonly StockShortage[];
}

export interface TransactionEnd {
  result: TransactionResult;
  announcement: Announcement | null;
}

type TransactionState =
  | { state: "preparing" }
  | { state: "committing"; sends: number; mayHaveArrived: boolean }
  | { state: "asking"; asks: number; mayHaveArrived: boolean }
  | { state: "ended"; end: TransactionEnd };

/** What a transaction acts through. */
export interface TransactionMeans {
  messages: CityMessages;
  clock: Clock;
  /** Resolves after so many milliseconds. */
  delay: (ms: number) => Promise<unknown>;
  log: Logger;
}

/** Longer than any client is made to wait, so that participants ask only about what nobody drives any more. */
const PREPARE_LEASE_MS = 10_000;
const PREPARE_DEADLINE_MS = 1_500;
const COMMIT_DEADLINE_MS = 1_500;
const COMMIT_SENDS_MAX = 3;
const OUTCOME_ASKS_MAX = 2;
/** Also when the time is over, the home gets this long: without its word the client learns nothing. */
const LAST_DEADLINE_MS = 200;
const BACKOFF = { firstMs: 50, maxMs: 200 };

/** Runs a transaction to its end, in at most 1 + COMMIT_SENDS_MAX + OUTCOME_ASKS_MAX steps. Never rejects. */
export async function runTransaction(
  transaction: OrderTransaction,
  means: TransactionMeans,
): Promise<TransactionEnd> {
  let current: TransactionState =
    transaction.participants.size > 0
      ? { state: "preparing" }
      : { state: "committing", sends: 0, mayHaveArrived: false };
  while (current.state !== "ended") current = await advance(current, transaction, means);
  return current.end;
}

function advance(
  current: Exclude<TransactionState, { state: "ended" }>,
  transaction: OrderTransaction,
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

/** A participant's vote. `NONE`: no answer came; it `mayHold` stock unless the message certainly never arrived. */
type Vote = { cityId: string; answer: PrepareAnswer | { state: "NONE"; mayHold: boolean } };

async function prepare(transaction: OrderTransaction, means: TransactionMeans): Promise<TransactionState> {
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
  if (violation) return aborted(transaction, { kind: "violation", cityId: violation.cityId }, release);
  const refusals = votes.flatMap(({ cityId, answer }) =>
    answer.state === "REFUSED" ? [{ cityId, shortages: answer.shortages }] : [],
  );
  // One that has decided ABORTED says as little about its stock as one that does not answer.
  const isSilent = ({ answer }: Vote) => answer.state === "NONE" || answer.state === "ABORTED";
  const silentCities = votes.filter(isSilent).map(({ cityId }) => cityId);
  return aborted(transaction, { kind: "refused", refusals, silentCities }, release);
}

async function collectVote(
  cityId: string,
  lines: readonly ProductQuantity[],
  { commit: { transactionId }, answerByMs }: OrderTransaction,
  { messages, clock, log }: TransactionMeans,
): Promise<Vote> {
  const deadline = new Date(clock.nowMs() + PREPARE_LEASE_MS).toISOString();
  // Half of the time that is left stays for the commit.
  const deadlineMs = shareOfTime(answerByMs, 2, PREPARE_DEADLINE_MS, clock);
  try {
    const answer = await messages.prepare(cityId, { transactionId, lines, deadline }, deadlineMs);
    if (answer.state === "VIOLATION") alarm(log, transactionId, cityId, "prepare");
    return { cityId, answer };
  } catch (error) {
    log.warn({ err: error, transactionId, participant: cityId }, "a participant did not vote");
    return { cityId, answer: { state: "NONE", mayHold: mayHaveArrived(error) } };
  }
}

async function commit(
  current: Extract<TransactionState, { state: "committing" }>,
  transaction: OrderTransaction,
  { messages, clock, delay, log }: TransactionMeans,
): Promise<TransactionState> {
  const { homeId, commit: message, answerByMs } = transaction;
  const sends = current.sends + 1;
  const stepsLeft = COMMIT_SENDS_MAX - current.sends + OUTCOME_ASKS_MAX;
  const deadlineMs = shareOfTime(answerByMs, stepsLeft, COMMIT_DEADLINE_MS, clock);
  try {
    return committed(await messages.commit(homeId, message, deadlineMs), transaction, log);
  } catch (error) {
    log.warn(
      { err: error, transactionId: message.transactionId, home: homeId, sends },
      "no answer to a commit",
    );
    const arrived = current.mayHaveArrived || mayHaveArrived(error);
    if (sends >= COMMIT_SENDS_MAX) return { state: "asking", asks: 0, mayHaveArrived: arrived };
    await delay(backoffMs(current.sends, BACKOFF, clock));
    return { state: "committing", sends, mayHaveArrived: arrived };
  }
}

/** What the home's answer to a commit ends the transaction with. */
function committed(answer: CommitAnswer, transaction: OrderTransaction, log: Logger): TransactionState {
  const { homeId } = transaction;
  switch (answer.state) {
    case "COMMITTED":
      return placed(transaction, answer.orderId);
    case "REPLAYED":
      return aborted(transaction, { kind: "replayed", orderId: answer.orderId });
    case "KEY_REUSED":
      return aborted(transaction, { kind: "key-reused", orderId: answer.orderId });
    case "UNKNOWN_CLIENT":
      return aborted(transaction, { kind: "unknown-client" });
    case "REFUSED": {
      const refusals = [{ cityId: homeId, shortages: answer.shortages }];
      return aborted(transaction, { kind: "refused", refusals, silentCities: [] });
    }
    case "ABORTED":
      return aborted(transaction, { kind: "fenced" });
    case "VIOLATION":
      // The home has left its decision as it was, and it may be COMMITTED: the participants have to ask.
      alarm(log, transaction.commit.transactionId, homeId, "commit");
      return { state: "ended", end: { result: { kind: "violation", cityId: homeId }, announcement: null } };
    default:
      return answer satisfies never;
  }
}

async function askOutcome(
  current: Extract<TransactionState, { state: "asking" }>,
  transaction: OrderTransaction,
  { messages, clock, delay, log }: TransactionMeans,
): Promise<TransactionState> {
  const { homeId, askAs, answerByMs, commit: message } = transaction;
  const { transactionId } = message;
  if (askAs === undefined) return unanswered(current.mayHaveArrived, transaction);
  const asks = current.asks + 1;
  const deadlineMs = shareOfTime(answerByMs, OUTCOME_ASKS_MAX - current.asks, COMMIT_DEADLINE_MS, clock);
  try {
    const answer = await messages.outcome(homeId, { transactionId, cityId: askAs }, deadlineMs);
    if (answer.state === "VIOLATION") alarm(log, transactionId, homeId, "outcome");
    return decided(answer, current.mayHaveArrived, transaction);
  } catch (error) {
    log.warn({ err: error, transactionId, home: homeId, asks }, "no answer to the question for an outcome");
    if (asks >= OUTCOME_ASKS_MAX) return unanswered(current.mayHaveArrived, transaction);
    await delay(backoffMs(current.asks, BACKOFF, clock));
    return { ...current, asks };
  }
}

function decided(
  answer: OutcomeAnswer,
  commitMayHaveArrived: boolean,
  transaction: OrderTransaction,
): TransactionState {
  switch (answer.state) {
    case "COMMITTED":
      return placed(transaction, transaction.commit.transactionId);
    case "ABORTED":
      return aborted(transaction, { kind: "fenced" });
    case "VIOLATION":
      return unanswered(commitMayHaveArrived, transaction);
    default:
      return answer.state satisfies never;
  }
}

/** The home says nothing. Only if no commit can have reached it, it is certain that the order is not placed. */
function unanswered(commitMayHaveArrived: boolean, transaction: OrderTransaction): TransactionState {
  if (!commitMayHaveArrived) return aborted(transaction, { kind: "home-unreachable" });
  return { state: "ended", end: { result: { kind: "unknown" }, announcement: null } };
}

function placed(
  { commit: { transactionId }, participants }: OrderTransaction,
  orderId: string,
): TransactionState {
  const announcement: Announcement = { transactionId, decision: "COMMITTED", participants };
  return { state: "ended", end: { result: { kind: "placed", orderId }, announcement } };
}

/** The transaction has not happened and never will. @param release the participants that may hold stock; all unless told */
function aborted(
  { commit: { transactionId }, participants }: OrderTransaction,
  result: TransactionResult,
  release: readonly string[] = [...participants.keys()],
): TransactionState {
  const told = new Map(release.map((cityId) => [cityId, []]));
  return {
    state: "ended",
    end: { result, announcement: { transactionId, decision: "ABORTED", participants: told } },
  };
}

/** Whatever is not known to have been refused unread may have been acted on. */
function mayHaveArrived(error: unknown): boolean {
  return !(error instanceof TransportError && error.effect === "refused");
}

/** An equal share of the time that is left, for one of so many steps. */
function shareOfTime(answerByMs: number, steps: number, limitMs: number, clock: Clock): number {
  return Math.max(LAST_DEADLINE_MS, Math.min(limitMs, (answerByMs - clock.nowMs()) / steps));
}
