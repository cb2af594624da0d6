/**
 * The messages of the commit protocol and their answers. Each is declared once: the receiver checks it by its
 * schema, and its type comes from the schema. `messages.test.ts` compares the schemas with the city's SDL.
 *
 * The form of a message does not say which cities exist. A message may name a city that its receiver does not
 * know yet, or no longer: the sender goes by another topology. A transaction with that city must still end in
 * the same way everywhere.
 */
import { storable } from "@teranga/kit/graphql/input.ts";
import { z } from "zod";

const CITY = "[a-z][a-z0-9-]{0,62}";

export const cityId = z.string().regex(new RegExp(`^${CITY}$`));
/** `<home>:<uuidv7>`. */
export const transactionId = z
  .string()
  .regex(new RegExp(`^${CITY}:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`));

const text = (lengthMax: number) => storable(lengthMax).min(1);
const id = text(200);
const productId = text(100);
const quantity = z.int().positive();

/** Pieces of a product. */
const productQuantity = z.object({ productId, quantity });
/** With the price of one piece, in the currency's smallest unit. */
const pricedLine = productQuantity.extend({ unitPrice: z.int().min(0) });
/** What one city gives of one product. */
const allocation = productQuantity.extend({ cityId });

export type ProductQuantity = z.infer<typeof productQuantity>;
export type PricedLine = z.infer<typeof pricedLine>;
export type Allocation = z.infer<typeof allocation>;

const areDistinct = (items: readonly { productId: string; cityId?: string }[]) =>
  new Set(items.map(({ productId, cityId = "" }) => `${cityId} ${productId}`)).size === items.length;

/** Any number of lines, each of another product. */
const anyLines = z.array(productQuantity).readonly().refine(areDistinct);
/** One line or more. */
const lines = anyLines.refine((all) => all.length > 0);

export const TRANSACTION_KINDS = ["ORDER", "CANCELLATION", "TRANSFER"] as const;
const kind = z.enum(TRANSACTION_KINDS);
export type TransactionKind = z.infer<typeof kind>;

/**
 * To a participant: sets all lines aside, or none. A cancellation has no prepare, since
 * giving back cannot be refused.
 */
export const prepareMessage = z.object({
  transactionId,
  kind: kind.refine((value): boolean => value !== "CANCELLATION"),
  lines,
  /** A hint: after how many milliseconds, by its own clock, the participant begins to ask the home. */
  leaseMs: z.int(),
});

/** The fields that make the commit of a request happen once. */
const keyed = z.object({ transactionId, idempotencyKey: id, requestHash: id });

/** The ways of paying that the commit point settles by itself. Any other waits for a provider outside. */
export const SETTLED_BY_THE_COMMIT: readonly string[] = ["CASH_ON_DELIVERY", "WALLET"];

/** To the home: the commit point of an order. */
export const orderCommit = keyed
  .extend({
    clientId: id,
    lines: z
      .array(pricedLine)
      .readonly()
      .refine((all) => all.length > 0 && areDistinct(all)),
    allocations: z.array(allocation).readonly().refine(areDistinct),
    paymentMethod: text(100),
  })
  .refine(({ lines }) =>
    Number.isSafeInteger(lines.reduce((sum, line) => sum + line.quantity * line.unitPrice, 0)),
  )
  .refine(({ lines, allocations }) => addUp(lines, allocations));

/** To the home: the commit point of a cancellation. With a client, only of an order of that client. */
export const cancellationCommit = keyed.extend({ orderId: id, clientId: id.nullish() });

/** To the home, which receives: the commit point of a transfer. */
export const transferCommit = keyed.extend({ productId, fromCityId: cityId, quantity });

/**
 * To a participant: how a transaction was decided. A participant hears of a cancellation only after its
 * commit point, so a cancellation is always COMMITTED.
 */
export const decideMessage = z
  .object({
    transactionId,
    kind,
    decision: z.enum(["COMMITTED", "ABORTED"]),
    /**
     * For COMMITTED: what the participant gives, exactly as it prepared it; for a
     * cancellation, what it gets back.
     */
    lines: anyLines,
  })
  .refine(({ kind, decision, lines }) =>
    decision === "COMMITTED" ? lines.length > 0 : kind !== "CANCELLATION",
  );

/** To the home: asks how a transaction was decided. The question fences an undecided transaction. */
export const outcomeMessage = z.object({
  transactionId,
  /** The city that asks. An orchestrator names the home. */
  cityId,
});

export type PrepareMessage = z.infer<typeof prepareMessage>;
export type OrderCommit = z.infer<typeof orderCommit>;
export type CancellationCommit = z.infer<typeof cancellationCommit>;
export type TransferCommit = z.infer<typeof transferCommit>;
export type DecideMessage = z.infer<typeof decideMessage>;
export type OutcomeMessage = z.infer<typeof outcomeMessage>;

/** The message of a commit point, by kind. */
export type CommitMessage =
  | { kind: "ORDER"; commit: OrderCommit }
  | { kind: "CANCELLATION"; commit: CancellationCommit }
  | { kind: "TRANSFER"; commit: TransferCommit };

const stockShortage = z.object({ productId: z.string(), requested: z.int(), available: z.int() });
/** A product of which there is too little. */
export type StockShortage = z.infer<typeof stockShortage>;

/** Why a payment is declined. The values are those of PaymentDeclinedReason in the graph. */
const declinedReason = z.enum(["TOO_LITTLE_MONEY", "REFUSED", "NO_ANSWER", "NO_PHONE", "NOT_OFFERED"]);
export type DeclinedReason = z.infer<typeof declinedReason>;

const about = z.object({ transactionId: z.string() });
const shortages = z.array(stockShortage);
const committedId = z.string();

/** The city could not process the message. It changed nothing. */
export const failedAnswer = about.extend({ state: z.literal("FAILED") });

export const prepareAnswer = z.discriminatedUnion("state", [
  about.extend({ state: z.enum(["PREPARED", "ABORTED", "TOO_OLD", "VIOLATION"]) }),
  about.extend({ state: z.literal("REFUSED"), shortages }),
]);

export const commitAnswer = z.discriminatedUnion("state", [
  about.extend({
    state: z.literal("COMMITTED"),
    committedId,
    /** For a cancellation: the cities that get something back. */
    participants: z.array(z.object({ cityId: z.string(), lines: anyLines })).default([]),
  }),
  about.extend({ state: z.enum(["REPLAYED", "KEY_REUSED", "ALREADY_CANCELLED"]), committedId }),
  about.extend({ state: z.literal("REFUSED"), shortages }),
  about.extend({ state: z.literal("DECLINED"), balance: z.int().nullable(), declined: declinedReason }),
  about.extend({ state: z.literal("FULL"), room: z.int() }),
  about.extend({ state: z.enum(["ABORTED", "TOO_OLD", "UNKNOWN_CLIENT", "UNKNOWN_ORDER", "VIOLATION"]) }),
]);

export const decideAnswer = about.extend({ state: z.enum(["DONE", "VIOLATION"]) });

export const outcomeAnswer = about.extend({
  state: z.enum(["COMMITTED", "ABORTED", "VIOLATION"]),
  /** For COMMITTED: the lines of the city that asks. An orchestrator does not ask for them. */
  lines: anyLines.default([]),
});

export type PrepareAnswer = z.infer<typeof prepareAnswer>;
export type CommitAnswer = z.infer<typeof commitAnswer>;
export type DecideAnswer = z.infer<typeof decideAnswer>;
export type OutcomeAnswer = z.infer<typeof outcomeAnswer>;

/** The home of a transaction, an order or a client: the part of its id before the colon. */
export function homeOf(globalId: string): string {
  return globalId.slice(0, Math.max(0, globalId.indexOf(":")));
}

/** Whether the allocations of each product add up to its line. */
function addUp(ordered: readonly ProductQuantity[], allocations: readonly Allocation[]): boolean {
  const open = new Map(ordered.map(({ productId, quantity }) => [productId, quantity]));
  for (const { productId, quantity } of allocations) {
    open.set(productId, (open.get(productId) ?? 0) - quantity);
  }
  return [...open.values()].every((left) => left === 0);
}
