/** What a transaction is to do, and how it may end. */
import type { CommitMessage, DeclinedReason, ProductQuantity, StockShortage } from "../messages.ts";
import type { Announcement } from "./decision-delivery.ts";

/** What one transaction is to do. Its id is never used again. */
export interface Transaction {
  homeId: string;
  /** Its kind, its id, and what the home records at the commit point. */
  message: CommitMessage;
  /** What each other city has to set aside. */
  participants: ReadonlyMap<string, readonly ProductQuantity[]>;
  /** When the client has to have an answer, in milliseconds since 1970. */
  answerByMs: number;
}

/**
 * How a transaction ended. All but `committed` and `unknown` mean that it has not happened and never will.
 */
export type TransactionResult =
  | { kind: "committed" }
  /**
   * An earlier one has happened: of the same request, of another one with its key, one that cancelled the
   * order.
   */
  | { kind: "replayed" | "key-reused" | "already-cancelled"; committedId: string }
  | { kind: "unknown-client" | "unknown-order" }
  /** The payment; the balance is that of the client's wallet, if it was to be paid from it. */
  | { kind: "declined"; balance: number | null; reason: DeclinedReason }
  /** The home has room for so many pieces only of what a transfer brings. */
  | { kind: "full"; room: number }
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
  /** Null if the participants have to ask the home themselves. */
  announcement: Announcement | null;
}

/**
 * The home has committed.
 * @param givenBack what the cities get back, if the home has said so; if its answer was lost, the home tells
 * them itself
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
