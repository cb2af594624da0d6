/**
 * What the three commit messages share: the form of their answers, and when the home
 * tells the participants itself.
 */
import { retryLostTransaction, type Sql } from "@teranga/kit/postgres/database.ts";
import type { CommitAnswer, ProductQuantity, StockShortage } from "../../messages.ts";
import type { IsNew } from "./is-new.ts";

/** The answer to a commit, as it leaves the city. It has the fields of all three messages. */
export interface CommitReply extends IsNew {
  transactionId: string;
  state: CommitAnswer["state"] | "FAILED";
  /**
   * The transaction that has happened: this one, an earlier one with the same key, or
   * the one that cancelled the order.
   */
  committedId: string | null;
  shortages: StockShortage[];
  /** The balance of the client's wallet, if it is too low for the order. */
  balance: number | null;
  /** The number of pieces that there is still room for, if the transfer brings more. */
  room: number | null;
  /** For a committed cancellation: what each participant gets back. */
  participants: { cityId: string; lines: ProductQuantity[] }[];
}

export interface CommitRow {
  transactionId: string;
  answer: Partial<Omit<CommitReply, "transactionId">> & Pick<CommitReply, "state">;
}

/**
 * How long the home leaves it to the orchestrator to tell the participants. The orchestrator's message takes
 * a few milliseconds. So the home's own message nearly always finds the decision applied and only brings back
 * the acknowledgement, for many orders in one batch.
 */
export const TELL_GRACE = "2 seconds";

/**
 * Runs the SQL function of a commit message. The function decides in the order of transaction ids, which is
 * its lock order. The answers come in the order of the requests.
 */
export async function commitInOrder(
  sql: Sql,
  requests: readonly { transactionId: string }[],
  run: () => Promise<CommitRow[]>,
): Promise<CommitReply[]> {
  if (requests.length === 0) return [];
  const rows = await retryLostTransaction(sql, run);
  const answers = new Map(rows.map(({ transactionId, answer }) => [transactionId, answer]));
  return requests.map(({ transactionId }) => {
    const { state, committedId, shortages, balance, room, participants, isNew } = answers.get(transactionId)!;
    return {
      transactionId,
      state,
      committedId: committedId ?? null,
      shortages: shortages ?? [],
      balance: balance ?? null,
      room: room ?? null,
      participants: participants ?? [],
      isNew: isNew ?? false,
    };
  });
}
