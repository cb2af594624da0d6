/**
 * The messages of the commit protocol, as the orchestrator sends them.
 *
 * The interface takes one message at a time; how messages travel (alone, or many to one city in one request) is the
 * business of what implements it.
 */
import type { PartitionPlacement } from "@teranga/kit/topology.ts";
import { type Send, TransportError } from "@teranga/kit/transport.ts";
import type { PaymentMethod } from "@teranga/schema/generated/orders.ts";
import { z } from "zod";
import { ask } from "./ask.ts";
import type { Allocation, PricedLine, ProductQuantity } from "./model.ts";

export interface PrepareMessage {
  transactionId: string;
  lines: readonly ProductQuantity[];
  /** ISO 8601. When the participant should begin to ask the home; a hint. */
  deadline: string;
}

export interface CommitMessage {
  transactionId: string;
  clientId: string;
  idempotencyKey: string;
  requestHash: string;
  lines: readonly PricedLine[];
  allocations: readonly Allocation[];
  paymentMethod: PaymentMethod;
}

export interface DecideMessage {
  transactionId: string;
  decision: "COMMITTED" | "ABORTED";
  /** Of a COMMITTED: what the participant gives, exactly as it has prepared it. */
  lines: readonly ProductQuantity[];
}

export interface OutcomeMessage {
  transactionId: string;
  /** The city in whose name it is asked. It is not the home. */
  cityId: string;
}

const shortages = z.array(z.object({ productId: z.string(), requested: z.int(), available: z.int() }));
const transactionId = z.string();
const prepareAnswer = z.discriminatedUnion("state", [
  z.object({ transactionId, state: z.enum(["PREPARED", "ABORTED", "VIOLATION"]) }),
  z.object({ transactionId, state: z.literal("REFUSED"), shortages }),
]);
const commitAnswer = z.discriminatedUnion("state", [
  z.object({ transactionId, state: z.enum(["COMMITTED", "REPLAYED"]), orderId: z.string() }),
  z.object({ transactionId, state: z.literal("KEY_REUSED"), orderId: z.string().nullable() }),
  z.object({ transactionId, state: z.literal("REFUSED"), shortages }),
  z.object({ transactionId, state: z.enum(["ABORTED", "UNKNOWN_CLIENT", "VIOLATION"]) }),
]);
const decideAnswer = z.object({ transactionId, state: z.enum(["DONE", "VIOLATION"]) });
const outcomeAnswer = z.object({ transactionId, state: z.enum(["COMMITTED", "ABORTED", "VIOLATION"]) });

export type PrepareAnswer = z.infer<typeof prepareAnswer>;
export type CommitAnswer = z.infer<typeof commitAnswer>;
export type DecideAnswer = z.infer<typeof decideAnswer>;
export type OutcomeAnswer = z.infer<typeof outcomeAnswer>;

/** All are idempotent. @throws TransportError: `unknown` if the city may have acted on the message, `refused` if it has not */
export interface CityMessages {
  prepare(cityId: string, message: PrepareMessage, deadlineMs: number): Promise<PrepareAnswer>;
  commit(cityId: string, message: CommitMessage, deadlineMs: number): Promise<CommitAnswer>;
  decide(cityId: string, message: DecideMessage, deadlineMs: number): Promise<DecideAnswer>;
  outcome(cityId: string, message: OutcomeMessage, deadlineMs: number): Promise<OutcomeAnswer>;
}

const PREPARE = `mutation OrderPrepare($messages: [PrepareInput!]!) {
  answers: prepare(transactions: $messages) { transactionId state shortages { productId requested available } }
}`;
const COMMIT = `mutation OrderCommit($messages: [CommitOrderInput!]!) {
  answers: commitOrders(orders: $messages) {
    transactionId state orderId shortages { productId requested available }
  }
}`;
const DECIDE = `mutation OrderDecide($messages: [DecisionInput!]!) {
  answers: decide(decisions: $messages) { transactionId state }
}`;
const OUTCOME = `mutation OrderOutcome($messages: [OutcomeInput!]!) {
  answers: outcome(transactions: $messages) { transactionId state }
}`;

/** Each message in a request of its own. */
export function createCityMessages({ partitions }: PartitionPlacement, send: Send): CityMessages {
  const urls = new Map(partitions.map(({ id, urls }) => [id, urls]));

  const tell = async <Answer extends z.ZodType<{ transactionId: string }>>(
    { operationName, query, answer }: { operationName: string; query: string; answer: Answer },
    cityId: string,
    message: { transactionId: string },
    deadlineMs: number,
  ): Promise<z.infer<Answer>> => {
    const { answers } = await ask(send, urls.get(cityId)!, {
      operationName,
      query,
      variables: { messages: [message] },
      answer: z.object({ answers: z.array(answer).length(1) }),
      deadlineMs,
    });
    const [first] = answers;
    if (first?.transactionId === message.transactionId) return first;
    throw new TransportError("unknown", `${operationName}: answered for another transaction`);
  };

  const prepare = { operationName: "OrderPrepare", query: PREPARE, answer: prepareAnswer };
  const commit = { operationName: "OrderCommit", query: COMMIT, answer: commitAnswer };
  const decide = { operationName: "OrderDecide", query: DECIDE, answer: decideAnswer };
  const outcome = { operationName: "OrderOutcome", query: OUTCOME, answer: outcomeAnswer };
  return {
    prepare: (cityId, message, deadlineMs) => tell(prepare, cityId, message, deadlineMs),
    commit: (cityId, message, deadlineMs) => tell(commit, cityId, message, deadlineMs),
    decide: (cityId, message, deadlineMs) => tell(decide, cityId, message, deadlineMs),
    outcome: (cityId, message, deadlineMs) => tell(outcome, cityId, message, deadlineMs),
  };
}
