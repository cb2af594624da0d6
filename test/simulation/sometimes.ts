/**
 * What runs must come across now and then: answers of every kind, pairs of events that meet rarely, and the
 * branches of the SQL functions. A check that all promises hold says little of what never happened. Counted
 * by `World.reach`; `npm run simulate` prints the counts, and a test of 1,000 seeds fails if one is zero.
 */
import { BRANCHES } from "./branches.ts";
import { UNREACHED_BRANCHES } from "./unreached-branches.ts";

const ANSWERS: Readonly<Record<string, readonly string[]>> = {
  TransactionPrepare: ["PREPARED", "REFUSED", "ABORTED", "TOO_OLD", "together"],
  OrderCommit: [
    "COMMITTED",
    "REPLAYED",
    "KEY_REUSED",
    "REFUSED",
    "DECLINED",
    "ABORTED",
    "TOO_OLD",
    "together",
  ],
  CancellationCommit: ["COMMITTED", "REPLAYED", "ALREADY_CANCELLED", "UNKNOWN_ORDER", "ABORTED", "together"],
  TransferCommit: ["COMMITTED", "REPLAYED"],
  TransactionDecide: ["DONE", "together"],
  TransactionOutcome: ["COMMITTED", "ABORTED"],
  RecoveryDecide: ["DONE", "together"],
  RecoveryOutcome: ["COMMITTED", "ABORTED"],
  PlaceOrder: [
    "OrderPlaced",
    "OutcomeUnknown",
    "IdempotencyKeyReused",
    "PriceChanged",
    "SplitLimitExceeded",
    "PaymentDeclined",
    "OutOfStock",
  ],
  CancelOrder: ["OrderCancelled", "OrderAlreadyCancelled", "UnknownOrder", "OutcomeUnknown"],
  TransferStock: ["StockTransferred", "OutcomeUnknown", "OutOfStock", "UnknownProduct"],
  TopUp: ["WalletToppedUp", "TopUpKeyReused"],
  Restock: ["Restocked", "RestockKeyReused"],
  OrderFacts: ["together"],
};

export const SOMETIMES: readonly string[] = [
  ...Object.entries(ANSWERS).flatMap(([operation, answers]) =>
    answers.map((answer) => `${operation} ${answer}`),
  ),
  "an order of three cities",
  "two participants give the same",
  "a split order that a wallet paid is cancelled",
  "an order is cancelled before a participant has confirmed it",
  "a participant has acknowledged, and another has not heard",
  "a fence",
  "an aborted transaction is pruned",
  "a second instance of a city answers",
  "a run of 30 operations or more",
  "a run of 100 operations or more",
  "a calm run with clocks apart by more than a lease",
  ...BRANCHES.filter((branch) => !UNREACHED_BRANCHES.includes(branch)),
];

export function addCounts(sum: Map<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts)) sum.set(name, (sum.get(name) ?? 0) + count);
}

/** What was never reached. */
export function neverReached(sum: ReadonlyMap<string, number>): string[] {
  return SOMETIMES.filter((name) => !sum.get(name));
}
