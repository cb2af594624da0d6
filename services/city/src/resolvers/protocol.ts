/**
 * The messages of the commit protocol as they arrive. An entry of the wrong form is answered VIOLATION: it
 * changes nothing, raises the alarm, and does not affect the batch's other entries.
 */

import type { CommitReply } from "@teranga/protocol/city/commit-protocol.ts";
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
import type { DeclinedReason, OrderCommit } from "@teranga/protocol/messages.ts";
import type { MutationResolvers } from "@teranga/schema/generated/city.ts";
import { warehouseOf } from "../warehouse.ts";

/** The fields beside `state` in the answer to a commit that changed nothing. */
const NOTHING_COMMITTED = { committedId: null, shortages: [], balance: null, room: null, participants: [] };

/** Adds the reason to each declined payment. */
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
      // Orders that wait for a provider outside form a group of their own, one for each method.
      groupOf: ({ paymentMethod }) => (city.payments.isOutside(paymentMethod) ? paymentMethod : ""),
      run: async (entries) => {
        await city.payments.authorise(entries);
        const answers = await city.protocol.commitOrders(entries, city.clock);
        await city.payments.release(entries, answers);
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
