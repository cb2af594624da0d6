/**
 * Observes a city's messages of the commit protocol: a span and measurements for each
 * batch, a log line for each decision.
 */
import { ATTRIBUTE, inSpan } from "@teranga/kit/process/tracing.ts";
import { TRANSACTION_ATTRIBUTE } from "../span-attributes.ts";
import type { Reply } from "./commit-protocol.ts";
import type { CityMeans } from "./means.ts";

interface Entry {
  transactionId: string;
  kind?: string;
  decision?: string;
}

/**
 * How many ids and results one span lists. A larger batch lists its first ones:
 * a thousand ids would be 50 kB.
 */
const LISTED_MAX = 100;

/** The kind of transaction that a message commits. The other messages are for every kind. */
const COMMITTED_KIND: Readonly<Record<string, string>> = {
  commitOrders: "ORDER",
  commitCancellations: "CANCELLATION",
  commitTransfers: "TRANSFER",
};

/** Applies a batch in a measured span of its own, and logs each decision that the batch writes or applies. */
export function observeBatch<Answered extends Reply>(
  message: string,
  city: CityMeans,
  entries: readonly Entry[],
  apply: () => Promise<Answered[]>,
): Promise<Answered[]> {
  return inSpan(`apply ${message}`, { attributes: aboutBatch(city, entries) }, async (span) => {
    const end = city.metrics.batchBegins(message, entries.length);
    let states = entries.map(() => "UNANSWERED");
    try {
      const answers = await apply();
      states = answers.map(({ state }) => state);
      logDecisions(message, entries, answers, city);
      return answers;
    } finally {
      end(states);
      span.setAttribute(ATTRIBUTE.results, states.slice(0, LISTED_MAX));
    }
  });
}

/** The attributes of a span about several transactions. */
export function aboutBatch(city: CityMeans, entries: readonly { transactionId: string }[]) {
  const ids = entries.slice(0, LISTED_MAX).map(({ transactionId }) => transactionId);
  return {
    [TRANSACTION_ATTRIBUTE.city]: city.id,
    [ATTRIBUTE.entries]: entries.length,
    [TRANSACTION_ATTRIBUTE.ids]: ids,
  };
}

/** Logs each decision that this batch has written or applied. A repeated message logs nothing. */
function logDecisions(
  message: string,
  entries: readonly Entry[],
  answers: readonly Reply[],
  city: CityMeans,
): void {
  if (message === "prepare") return;
  const logged = new Set<string>();
  for (const [index, { transactionId, state, isNew }] of answers.entries()) {
    // Two copies of an entry have one answer.
    if (!isNew || logged.has(transactionId)) continue;
    logged.add(transactionId);
    const { kind, decision } = entries[index]!;
    if (message === "decide") logApplied(city, { transactionId, kind, decision }, "told");
    else if (message === "outcome") logDecided(city, transactionId, undefined, "FENCED");
    else logDecided(city, transactionId, COMMITTED_KIND[message], state);
  }
}

/**
 * Logs the home's decision.
 * @param reason the answer to the message that led to the decision; FENCED if a question for the outcome did
 */
function logDecided(city: CityMeans, transactionId: string, kind: string | undefined, reason: string): void {
  const decided =
    reason === "COMMITTED"
      ? { transactionId, kind, state: reason }
      : { transactionId, kind, state: "ABORTED", reason };
  city.log.info(decided, "transaction decided");
}

/**
 * Logs a decision that this participant has applied.
 * @param cause `told`: the participant was told. `asked`: it asked the home.
 */
export function logApplied(
  city: CityMeans,
  decision: { transactionId: string; kind: string | undefined; decision: string | undefined },
  cause: "told" | "asked",
): void {
  const { transactionId, kind, decision: state } = decision;
  city.log.info({ transactionId, kind, state, cause }, "decision applied");
}
