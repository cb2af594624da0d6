/** What a transaction has to do, and how it can end. */
import type { CommitMessage, DeclinedReason, ProductQuantity, StockShortage } from "../messages.ts";
import type { Announcement } from "./decision-delivery.ts";

/** One transaction to run. Its id is never used again. */
export interface Transaction {
  homeId: string;
  /** Its kind, its id, and what the home records at the commit point. */
  message: CommitMessage;
  /** What each participant has to set aside, by city. */
  participants: ReadonlyMap<string, readonly ProductQuantity[]>;
  /** When the client must have an answer, in milliseconds since 1970. */
  answerByMs: number;
}

/**
 * How a transaction ended. All results but `committed` and `unknown` mean that it
 * has not happened and never will.
 */
export type TransactionResult =
  | { kind: "committed" }
  /**
   * An earlier transaction has happened: of the same request, of another request with its key, or one that
   * cancelled the order.
   */
  | { kind: "replayed" | "key-reused" | "already-cancelled"; committedId: string }
  | { kind: "unknown-client" | "unknown-order" }
  /** The payment was declined. `balance` is that of the client's wallet, if the wallet was to pay. */
  | { kind: "declined"; balance: number | null; reason: DeclinedReason }
  /** The home has room for only `room` more pieces of the product that the transfer brings. */
  | { kind: "full"; room: number }
  /** Cities had too little stock, or gave no vote. */
  | { kind: "refused"; refusals: Refusal[]; silentCities: string[] }
  /** The home has decided ABORTED without saying why. */
  | { kind: "fenced" }
  | { kind: "home-unreachable" }
  | { kind: "unknown" }
  /** A message contradicts what the city has recorded. That is a fault of ours. */
  | { kind: "violation"; cityId: string };

export interface Refusal {
  cityId: string;
  shortages: readonly StockShortage[];
}

export interface TransactionEnd {
  result: TransactionResult;
  /** The decision to tell the participants; null if they must ask the home themselves. */
  announcement: Announcement | null;
}

/**
 * The home has committed.
 * @param givenBack what the cities get back, as the home's answer says. Without that
 * answer the home tells them itself
 */
export function happened(
  transaction: Transaction,
  givenBack: readonly { cityId: string; lines: readonly ProductQuantity[] }[] = [],
): TransactionEnd {
  const participants =
    transaction.message.kind === "CANCELLATION"
      ? new Map(givenBack.map(({ cityId, lines }) => [cityId, lines]))
      : transaction.participants;
  return endOf(transaction, { kind: "committed" }, "COMMITTED", participants);
}

/**
 * The transaction has not happened and never will.
 * @param release the participants that may hold stock; all by default
 */
export function aborted(
  transaction: Transaction,
  result: TransactionResult,
  release: readonly string[] = [...transaction.participants.keys()],
): TransactionEnd {
  return endOf(transaction, result, "ABORTED", new Map(release.map((cityId) => [cityId, []])));
}

function endOf(
  transaction: Transaction,
  result: TransactionResult,
  decision: Announcement["decision"],
  participants: Announcement["participants"],
): TransactionEnd {
  const { kind } = transaction.message;
  const announcement = { transactionId: idOf(transaction), kind, decision, participants };
  return { result, announcement };
}

export function idOf({ message }: Transaction): string {
  return message.commit.transactionId;
}
