/**
 * The messages of the commit protocol and their answers, as they travel between the orchestrator and a city.
 */
import type { PaymentMethod } from "@teranga/schema/generated/orders.ts";
import { z } from "zod";
import type { Allocation, PricedLine, ProductQuantity } from "./model.ts";

export type TransactionKind = "ORDER" | "CANCELLATION" | "TRANSFER";

export interface PrepareMessage {
  transactionId: string;
  kind: TransactionKind;
  lines: readonly ProductQuantity[];
  /** After how long, by its own clock, the participant should begin to ask the home; a hint. */
  leaseMs: number;
}

/** What makes the commit of a request happen once. */
interface KeyedMessage {
  transactionId: string;
  idempotencyKey: string;
  requestHash: string;
}

export interface OrderCommit extends KeyedMessage {
  clientId: string;
  lines: readonly PricedLine[];
  allocations: readonly Allocation[];
  paymentMethod: PaymentMethod;
}

export interface CancellationCommit extends KeyedMessage {
  orderId: string;
}

export interface TransferCommit extends KeyedMessage {
  productId: string;
  fromCityId: string;
  quantity: number;
}

/** What the home records at the commit point. */
export type CommitMessage =
  | { kind: "ORDER"; commit: OrderCommit }
  | { kind: "CANCELLATION"; commit: CancellationCommit }
  | { kind: "TRANSFER"; commit: TransferCommit };

export interface DecideMessage {
  transactionId: string;
  kind: TransactionKind;
  decision: "COMMITTED" | "ABORTED";
  /**
   * Of a COMMITTED: what the participant gives, exactly as it has prepared it; of a cancellation, what it
   * gets back.
   */
  lines: readonly ProductQuantity[];
}

export interface OutcomeMessage {
  transactionId: string;
  /** The city in whose name it is asked; an orchestrator asks in the home's. */
  cityId: string;
}

const transactionId = z.string();
const committedId = z.string();
const shortages = z.array(z.object({ productId: z.string(), requested: z.int(), available: z.int() }));
const lines = z.array(z.object({ productId: z.string(), quantity: z.int() }));

/** A city that could not process a message has changed nothing by it. */
export const failedAnswer = z.object({ transactionId, state: z.literal("FAILED") });

export const prepareAnswer = z.discriminatedUnion("state", [
  z.object({ transactionId, state: z.enum(["PREPARED", "ABORTED", "TOO_OLD", "VIOLATION"]) }),
  z.object({ transactionId, state: z.literal("REFUSED"), shortages }),
]);

export const commitAnswer = z.discriminatedUnion("state", [
  z.object({
    transactionId,
    state: z.literal("COMMITTED"),
    committedId,
    /** Of a cancellation: the cities that get something back. */
    participants: z.array(z.object({ cityId: z.string(), lines })).default([]),
  }),
  z.object({ transactionId, state: z.enum(["REPLAYED", "KEY_REUSED", "ALREADY_CANCELLED"]), committedId }),
  z.object({ transactionId, state: z.literal("REFUSED"), shortages }),
  z.object({
    transactionId,
    state: z.literal("DECLINED"),
    balance: z.int().nullable(),
    declined: z.enum(["TOO_LITTLE_MONEY", "REFUSED", "NO_ANSWER", "NO_PHONE", "NOT_OFFERED"]),
  }),
  z.object({ transactionId, state: z.literal("FULL"), room: z.int() }),
  z.object({
    transactionId,
    state: z.enum(["ABORTED", "TOO_OLD", "UNKNOWN_CLIENT", "UNKNOWN_ORDER", "VIOLATION"]),
  }),
]);

export const decideAnswer = z.object({ transactionId, state: z.enum(["DONE", "VIOLATION"]) });
export const outcomeAnswer = z.object({
  transactionId,
  state: z.enum(["COMMITTED", "ABORTED", "VIOLATION"]),
});

export type PrepareAnswer = z.infer<typeof prepareAnswer>;
export type CommitAnswer = z.infer<typeof commitAnswer>;
export type DecideAnswer = z.infer<typeof decideAnswer>;
export type OutcomeAnswer = z.infer<typeof outcomeAnswer>;
