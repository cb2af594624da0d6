/** What the three commit messages share: the form of their answers, and when the home tells the participants itself. */
import { retryLostTransaction, type Sql } from "@teranga/kit/postgres/database.ts";
import type { Clock } from "@teranga/kit/process/retry.ts";
import type { CommitAnswer, ProductQuantity, StockShortage } from "../../messages.ts";
import type { IsNew } from "./is-new.ts";

/** An answer to a commit as it leaves the city: a field for all that any of them says. */
export interface CommitReply extends IsNew {
  transactionId: string;
  state: CommitAnswer["state"] | "FAILED";
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
  answer: Partial<Omit<CommitReply, "transactionId">> & Pick<CommitReply, "state">;
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
): Promise<CommitReply[]> {
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
