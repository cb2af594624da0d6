/**
 * The messages of the commit protocol as they arrive. What does not fit its form is a VIOLATION of its own entry: it changes
 * nothing, raises the alarm, and the other entries of the batch are as if it were not there.
 */

import type { OutsidePayments } from "@teranga/protocol/city/means.ts";
import { answerEach } from "@teranga/protocol/city/message-batch.ts";
import {
  cancellationIsSound,
  decisionIsSound,
  orderIsSound,
  outcomeIsSound,
  prepareIsSound,
  transferIsSound,
} from "@teranga/protocol/city/message-form.ts";
import type { CommitReply } from "@teranga/protocol/city/sql/commit-answer.ts";
import type { DeclinedReason, OrderCommit } from "@teranga/protocol/messages.ts";
import type { MutationResolvers } from "@teranga/schema/generated/city.ts";
import { warehouseOf } from "../warehouse.ts";

/** What the answer to a commit has beside its state if nothing has happened. */
const NOTHING_COMMITTED = { committedId: null, shortages: [], balance: null, room: null, participants: [] };

/** Says of payments that were declined why. */
async function withReasons(
  orders: readonly OrderCommit[],
  answers: readonly CommitReply[],
  payments: OutsidePayments,
): Promise<(CommitReply & { declined: DeclinedReason | null })[]> {
  const reasons = await payments.whyDeclined(
    orders.filter((_, index) => answers[index]!.state === "DECLINED"),
  );
  return answers.map((answer) => ({ ...answer, declined: reasons.get(answer.transactionId) ?? null }));
}

export const protocolMutations = {
  prepare: (_, { transactions }, { city }) =>
    answerEach({
      city,
      message: "prepare",
      field: "transactions",
      entries: transactions,
      isSound: (entry) => prepareIsSound(entry, city),
      run: (entries) => city.protocol.prepare(entries, city.clock),
      nothing: { shortages: [] },
    }),

  commitOrders: (_, { orders }, { city }) =>
    answerEach({
      city,
      message: "commitOrders",
      field: "orders",
      entries: orders,
      isSound: (entry) => orderIsSound(entry, city),
      // Who waits for a provider outside waits alone.
      groupOf: ({ paymentMethod }) => (city.payments.isOutside(paymentMethod) ? paymentMethod : ""),
      run: async (entries) => {
        await city.payments.authorise(entries);
        const answers = await city.protocol.commitOrders(entries, city.clock);
        return withReasons(entries, answers, city.payments);
      },
      nothing: { ...NOTHING_COMMITTED, declined: null },
    }),

  commitCancellations: (_, { cancellations }, { city }) =>
    answerEach({
      city,
      message: "commitCancellations",
      field: "cancellations",
      entries: cancellations,
      isSound: (entry) => cancellationIsSound(entry, city),
      run: (entries) => city.protocol.commitCancellations(entries, city.clock),
      nothing: NOTHING_COMMITTED,
    }),

  commitTransfers: (_, { transfers }, { city }) =>
    answerEach({
      city,
      message: "commitTransfers",
      field: "transfers",
      entries: transfers,
      isSound: (entry) => transferIsSound(entry, city),
      run: (entries) =>
        city.protocol.commitTransfers(entries, warehouseOf(city.id, city.placement), city.clock),
      nothing: NOTHING_COMMITTED,
    }),

  decide: (_, { decisions }, { city }) =>
    answerEach({
      city,
      message: "decide",
      field: "decisions",
      entries: decisions,
      isSound: (entry) => decisionIsSound(entry, city),
      run: (entries) => city.protocol.decide(entries, city.clock),
      nothing: {},
    }),

  outcome: (_, { transactions }, { city }) =>
    answerEach({
      city,
      message: "outcome",
      field: "transactions",
      entries: transactions,
      // Several cities may ask about one transaction.
      keyOf: ({ transactionId, cityId }) => `${transactionId} ${cityId}`,
      isSound: (entry) => outcomeIsSound(entry, city),
      run: (entries) => city.protocol.outcome(entries, city.clock),
      nothing: { lines: [] },
    }),
} satisfies MutationResolvers;
