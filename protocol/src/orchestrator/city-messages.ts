/**
 * Sends the messages of the commit protocol to the cities. A caller sends one message; messages that wait at
 * the same time travel together (message-lane.ts). Each city and kind of message has a lane.
 */

import { TransportError } from "@teranga/kit/http/transport.ts";
import type { AskMeans } from "@teranga/kit/instances/ask.ts";
import type { Clock } from "@teranga/kit/process/retry.ts";
import type { PartitionPlacement } from "@teranga/kit/topology/topology.ts";
import type { z } from "zod";
import {
  type CommitAnswer,
  type CommitMessage,
  commitAnswer,
  type DecideAnswer,
  type DecideMessage,
  decideAnswer,
  type OutcomeAnswer,
  type OutcomeMessage,
  outcomeAnswer,
  type PrepareAnswer,
  type PrepareMessage,
  prepareAnswer,
  SETTLED_BY_THE_COMMIT,
} from "../messages.ts";
import { type MessageKind, sendBatch } from "../send-batch.ts";
import { createCityLanes } from "./city-lanes.ts";
import { MessageLane } from "./message-lane.ts";
import type { MessageMetrics } from "./message-metrics.ts";
import { observeMessage } from "./observe-message.ts";

/**
 * All messages are idempotent.
 * @throws TransportError: `unknown` if the city may have acted on the message, `refused` if it has not
 */
export interface CityMessages {
  prepare(cityId: string, message: PrepareMessage, deadlineMs: number): Promise<PrepareAnswer>;
  commit(cityId: string, message: CommitMessage, deadlineMs: number): Promise<CommitAnswer>;
  decide(cityId: string, message: DecideMessage, deadlineMs: number): Promise<DecideAnswer>;
  outcome(cityId: string, message: OutcomeMessage, deadlineMs: number): Promise<OutcomeAnswer>;
}

/** The dependencies of the messages. */
export interface MessageMeans extends AskMeans {
  cities: PartitionPlacement;
  clock: Clock;
  /** Resolves after `ms` milliseconds. */
  delay: (ms: number) => Promise<unknown>;
  metrics: MessageMetrics;
}

/** A kind, the name of the city's field for it, and what it commits if it commits anything. */
type FieldKind<Answer extends z.ZodType<{ transactionId: string }>> = MessageKind<Answer> & {
  message: string;
  commits?: CommitMessage["kind"];
};

const PREPARE = {
  message: "prepare",
  operationName: "TransactionPrepare",
  query: `mutation TransactionPrepare($messages: [PrepareInput!]!) {
    answers: prepare(transactions: $messages) { transactionId state shortages { productId requested available } }
  }`,
  answer: prepareAnswer,
};
const COMMIT_ORDERS = {
  message: "commitOrders",
  commits: "ORDER" as const,
  operationName: "OrderCommit",
  query: `mutation OrderCommit($messages: [CommitOrderInput!]!) {
    answers: commitOrders(orders: $messages) {
      transactionId state committedId balance declined shortages { productId requested available }
    }
  }`,
  answer: commitAnswer,
};
const COMMIT_CANCELLATIONS = {
  message: "commitCancellations",
  commits: "CANCELLATION" as const,
  operationName: "CancellationCommit",
  query: `mutation CancellationCommit($messages: [CommitCancellationInput!]!) {
    answers: commitCancellations(cancellations: $messages) {
      transactionId state committedId participants { cityId lines { productId quantity } }
    }
  }`,
  answer: commitAnswer,
};
const COMMIT_TRANSFERS = {
  message: "commitTransfers",
  commits: "TRANSFER" as const,
  operationName: "TransferCommit",
  query: `mutation TransferCommit($messages: [CommitTransferInput!]!) {
    answers: commitTransfers(transfers: $messages) {
      transactionId state committedId room
    }
  }`,
  answer: commitAnswer,
};
const DECIDE = {
  message: "decide",
  operationName: "TransactionDecide",
  query: `mutation TransactionDecide($messages: [DecisionInput!]!) {
    answers: decide(decisions: $messages) { transactionId state }
  }`,
  answer: decideAnswer,
};
const OUTCOME = {
  message: "outcome",
  operationName: "TransactionOutcome",
  query: `mutation TransactionOutcome($messages: [OutcomeInput!]!) {
    answers: outcome(transactions: $messages) { transactionId state }
  }`,
  answer: outcomeAnswer,
};

/**
 * Payment methods that take no longer than the commit point. Any other method waits for a provider outside
 * and has lanes of its own, because in one request all orders would wait for that provider.
 */
const SETTLED: ReadonlySet<string> = new Set(SETTLED_BY_THE_COMMIT);

export function createCityMessages(means: MessageMeans): CityMessages {
  const prepare = lanesOf(PREPARE, means);
  const commitSettled = lanesOf(COMMIT_ORDERS, means);
  const commitPaidOutside = new Map<string, typeof commitSettled>();
  const commitOrderBy = (method: string) => {
    if (SETTLED.has(method)) return commitSettled;
    const known = commitPaidOutside.get(method) ?? lanesOf(COMMIT_ORDERS, means);
    commitPaidOutside.set(method, known);
    return known;
  };
  const commitCancellation = lanesOf(COMMIT_CANCELLATIONS, means);
  const commitTransfer = lanesOf(COMMIT_TRANSFERS, means);
  const decide = lanesOf(DECIDE, means);
  const outcome = lanesOf(OUTCOME, means);

  return {
    prepare,
    decide,
    outcome,
    commit(cityId, message, deadlineMs) {
      switch (message.kind) {
        case "ORDER":
          return commitOrderBy(message.commit.paymentMethod)(cityId, message.commit, deadlineMs);
        case "CANCELLATION":
          return commitCancellation(cityId, message.commit, deadlineMs);
        case "TRANSFER":
          return commitTransfer(cityId, message.commit, deadlineMs);
        default:
          return message satisfies never;
      }
    },
  };
}

interface Message {
  transactionId: string;
  kind?: string;
  lines?: readonly unknown[];
  allocations?: readonly unknown[];
}

/** Sends messages of one kind, through a lane to each city. */
function lanesOf<Answer extends z.ZodType<{ transactionId: string; state: string }>>(
  kind: FieldKind<Answer>,
  means: MessageMeans,
): (cityId: string, message: Message, deadlineMs: number) => Promise<z.infer<Answer>> {
  const laneTo = createCityLanes(
    means.cities,
    (urlsNow) =>
      new MessageLane<Message, z.infer<Answer>>({
        send: (messages, deadlineMs) => sendBatch(kind, { urls: urlsNow(), messages, deadlineMs }, means),
        weigh,
        onFault: means.onFault,
        onBatch: (messages) => means.metrics.batchSent(kind.message, messages),
        clock: means.clock,
        delay: means.delay,
      }),
  );
  return (cityId, message, deadlineMs) => {
    const { transactionId, kind: transactionKind = kind.commits } = message;
    const facts = { message: kind.message, cityId, transactionId, kind: transactionKind };
    return observeMessage(facts, means.metrics, async () => {
      const lane = laneTo(cityId);
      // A cancelled order may name a city that has left the topology.
      if (!lane) throw new TransportError("refused", `${kind.operationName}: there is no city "${cityId}"`);
      return lane.ask(message, deadlineMs);
    });
  };
}

/**
 * Counts the entries that name a product: lines and allocations. One takes at most 700 bytes (ids of 100
 * characters), so a request of WEIGHT_MAX stays below the 1 MiB that a city accepts.
 */
function weigh({ lines = [], allocations = [] }: Message): number {
  return Math.max(1, lines.length + allocations.length);
}
