/** What the three commit messages share: the form of their answers, and when the home tells the participants itself. */
import { retryLostTransaction, type Sql } from "@teranga/kit/database.ts";
import type { Clock } from "@teranga/kit/retry.ts";
import type { CommitState, IsNew, ProductQuantity } from "../model.ts";
import type { StockShortage } from "./prepare-transactions.ts";

export interface CommitAnswer extends IsNew {
  transactionId: string;
  state: CommitState;
  /** The transaction that has happened: this one, an earlier one of the same key, or the one that has cancelled the order. */
  committedId: string | null;
  shortages: StockShortage[];
  /** What the client's wallet holds, if it is too little. */
  balance: number | null;
  /** For how many more pieces there is room, if it is too little. */
  room: number | null;
  /** Of a cancellation that is committed: what each participant gets back. */
  participants: { cityId: string; lines: ProductQuantity[] }[];
}

export interface CommitRow {
  transactionId: string;
  answer: Partial<Omit<CommitAnswer, "transactionId">> & Pick<CommitAnswer, "state">;
}

/**
 * How long the orchestrator has to tell the participants before the home does. Its message takes a few milliseconds, so the home's
 * own finds the decision applied nearly always and only brings back the acknowledgement, for many orders in one batch.
 */
const CONFIRM_GRACE_MS = 2_000;

/**
 * Runs the SQL function of a commit message. Answers come in the order of the requests; the function decides in the order of
 * transaction ids, which is its lock order.
 */
export async function commitInOrder(
  sql: Sql,
  requests: readonly { transactionId: string }[],
  clock: Clock,
  run: (now: Date, tellAt: Date) => Promise<CommitRow[]>,
): Promise<CommitAnswer[]> {
  if (requests.length === 0) return [];
  const nowMs = clock.nowMs();
  const rows = await retryLostTransaction(sql, () =>
    run(new Date(nowMs), new Date(nowMs + CONFIRM_GRACE_MS)),
  );
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
