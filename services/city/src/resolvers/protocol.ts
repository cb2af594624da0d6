/**
 * The messages of the commit protocol as they arrive. What does not fit its form is a VIOLATION of its own entry: it changes
 * nothing, raises the alarm, and the other entries of the batch are as if it were not there.
 */
import { isDeepStrictEqual } from "node:util";
import { badInput } from "@teranga/kit/errors.ts";
import type { MutationResolvers } from "@teranga/schema/generated/city.ts";
import type { City } from "../context.ts";
import { alarm } from "../recovery.ts";
import { commitOrders } from "../sql/commit-orders.ts";
import { decideTransactions } from "../sql/decide-transactions.ts";
import { prepareTransactions } from "../sql/prepare-transactions.ts";
import { transactionOutcomes } from "../sql/transaction-outcomes.ts";
import { isCity, isForeign, isOwn, linesAreSound, orderIsSound, prepareIsSound } from "./message-form.ts";

/** Entries of one message. A larger one would hold its row locks for longer than 100 ms. */
const BATCH_MAX = 1_000;

export const protocolMutations = {
  prepare: (_, { transactions }, { city }) =>
    answerEach({
      city,
      field: "transactions",
      entries: transactions,
      isSound: (entry) => prepareIsSound(entry, city),
      run: (entries) => prepareTransactions(city.sql, entries, city.clock),
      violation: { shortages: [] },
    }),

  commitOrders: (_, { orders }, { city }) =>
    answerEach({
      city,
      field: "orders",
      entries: orders,
      isSound: (entry) => orderIsSound(entry, city),
      run: (entries) => commitOrders(city.sql, entries, city.clock),
      violation: { orderId: null, shortages: [] },
    }),

  decide: (_, { decisions }, { city }) =>
    answerEach({
      city,
      field: "decisions",
      entries: decisions,
      isSound: ({ transactionId, decision, lines }) =>
        isForeign(transactionId, city) && (decision === "ABORTED" || linesAreSound(lines)),
      run: (entries) => decideTransactions(city.sql, entries, city.clock),
      violation: {},
    }),

  outcome: (_, { transactions }, { city }) =>
    answerEach({
      city,
      field: "transactions",
      entries: transactions,
      // Several cities may ask about one transaction.
      keyOf: ({ transactionId, cityId }) => `${transactionId} ${cityId}`,
      isSound: ({ transactionId, cityId }) => isOwn(transactionId, city) && isCity(cityId, city),
      run: (entries) => transactionOutcomes(city.sql, entries, city.clock),
      violation: { lines: [] },
    }),
} satisfies MutationResolvers;

interface Batch<Entry, Answer> {
  city: City;
  field: string;
  entries: readonly Entry[];
  /** Two entries of one key must be one message twice. */
  keyOf?: (entry: Entry) => string;
  isSound: (entry: Entry) => boolean;
  /** Answers in the order of the entries. */
  run: (entries: Entry[]) => Promise<Answer[]>;
  /** What a VIOLATION's answer has beside its state. */
  violation: Omit<Answer, "transactionId" | "state">;
}

/** Runs the sound entries, each once, as one database transaction, and answers all of them in order. */
async function answerEach<
  Entry extends { transactionId: string },
  Answer extends { transactionId: string; state: string },
>(batch: Batch<Entry, Answer>): Promise<Answer[]> {
  const {
    city,
    field,
    entries,
    keyOf = ({ transactionId }) => transactionId,
    isSound,
    run,
    violation,
  } = batch;
  if (entries.length > BATCH_MAX) throw badInput(field, `may have ${BATCH_MAX} entries at most`);
  const messages = new Map<string, Entry>();
  for (const entry of entries) {
    if (isSound(entry) && !messages.has(keyOf(entry))) messages.set(keyOf(entry), entry);
  }
  const answered = await run([...messages.values()]);
  const answers = new Map([...messages.keys()].map((key, index) => [key, answered[index]!]));
  return entries.map((entry) => {
    const isAnswered = isDeepStrictEqual(messages.get(keyOf(entry)), entry);
    const { transactionId } = entry;
    const answer = isAnswered
      ? answers.get(keyOf(entry))!
      : ({ ...violation, transactionId, state: "VIOLATION" } as unknown as Answer);
    if (answer.state === "VIOLATION") {
      alarm(city.log, transactionId, `a message of the field ${field} breaks the protocol`);
    }
    return answer;
  });
}
