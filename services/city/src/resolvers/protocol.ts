/**
 * The messages of the commit protocol as they arrive. What does not fit its form is a VIOLATION of its own entry: it changes
 * nothing, raises the alarm, and the other entries of the batch are as if it were not there.
 */
import type { MutationResolvers } from "@teranga/schema/generated/city.ts";
import type { DeclinedReason, Payments } from "../payments/payments.ts";
import type { CommitAnswer } from "../sql/commit-answer.ts";
import type { CommitRequest } from "../sql/commit-orders.ts";
import { warehouseOf } from "../warehouse.ts";
import { answerEach } from "./message-batch.ts";
import {
  cancellationIsSound,
  decisionIsSound,
  isCityId,
  isOwn,
  orderIsSound,
  prepareIsSound,
  transferIsSound,
} from "./message-form.ts";

/** What the answer to a commit has beside its state if nothing has happened. */
const NOTHING_COMMITTED = { committedId: null, shortages: [], balance: null, room: null, participants: [] };

/** Says of payments that were declined why. */
async function withReasons(
  orders: readonly CommitRequest[],
  answers: readonly CommitAnswer[],
  payments: Payments,
): Promise<(CommitAnswer & { declined: DeclinedReason | null })[]> {
  const reasons = await payments.whyDeclined(
    orders.filter((_, index) => answers[index]!.state === "DECLINED"),
  );
  return answers.map((answer) => ({ ...answer, declined: reasons.get(answer.transactionId) ?? null }));
}

export const protocolMutations = {
  prepare: (_, { transactions }, { city }) =>
    answerEach({
      city,
      field: "transactions",
      entries: transactions,
      isSound: (entry) => prepareIsSound(entry, city),
      run: (entries) => city.protocol.prepare(entries, city.clock),
      nothing: { shortages: [] },
    }),

  commitOrders: (_, { orders }, { city }) =>
    answerEach({
      city,
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
      field: "cancellations",
      entries: cancellations,
      isSound: (entry) => cancellationIsSound(entry, city),
      run: (entries) => city.protocol.commitCancellations(entries, city.clock),
      nothing: NOTHING_COMMITTED,
    }),

  commitTransfers: (_, { transfers }, { city }) =>
    answerEach({
      city,
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
      field: "decisions",
      entries: decisions,
      isSound: (entry) => decisionIsSound(entry, city),
      run: (entries) => city.protocol.decide(entries, city.clock),
      nothing: {},
    }),

  outcome: (_, { transactions }, { city }) =>
    answerEach({
      city,
      field: "transactions",
      entries: transactions,
      // Several cities may ask about one transaction.
      keyOf: ({ transactionId, cityId }) => `${transactionId} ${cityId}`,
      isSound: ({ transactionId, cityId }) => isOwn(transactionId, city) && isCityId(cityId),
      run: (entries) => city.protocol.outcome(entries, city.clock),
      nothing: { lines: [] },
    }),
} satisfies MutationResolvers;
