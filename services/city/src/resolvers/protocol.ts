/**
 * The messages of the commit protocol as they arrive. What does not fit its form is a VIOLATION of its own entry: it changes
 * nothing, raises the alarm, and the other entries of the batch are as if it were not there.
 */
import { retryLostTransaction } from "@teranga/kit/database.ts";
import { badInput } from "@teranga/kit/errors.ts";
import type { MutationResolvers } from "@teranga/schema/generated/city.ts";
import type { City } from "../context.ts";
import type { ProductQuantity } from "../model.ts";
import { alarm } from "../recovery.ts";
import { type CommitRequest, commitOrders } from "../sql/commit-orders.ts";
import { decideTransactions } from "../sql/decide-transactions.ts";
import { prepareTransactions } from "../sql/prepare-transactions.ts";
import { transactionOutcomes } from "../sql/transaction-outcomes.ts";

/** Entries of one message. A larger one would hold its row locks for longer than 100 ms. */
const BATCH_MAX = 1_000;
const TRANSACTION_ID = /^[a-z][a-z0-9-]{0,62}:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export const protocolMutations = {
  prepare: (_, { transactions }, { city }) =>
    answerEach({
      city,
      field: "transactions",
      entries: transactions,
      isSound: ({ transactionId, lines }) => homeOf(transactionId) !== city.id && linesAreSound(lines),
      run: (entries) => prepareTransactions(city.sql, entries, city.clock),
      violation: { shortages: [] },
    }),

  commitOrders: (_, { orders }, { city }) =>
    answerEach({
      city,
      field: "orders",
      entries: orders,
      isSound: (order) => homeOf(order.transactionId) === city.id && orderIsSound(order, city),
      run: (entries) => commitOrders(city.sql, entries, city.clock),
      violation: { orderId: null, shortages: [] },
    }),

  decide: (_, { decisions }, { city }) =>
    answerEach({
      city,
      field: "decisions",
      entries: decisions,
      isSound: ({ transactionId, decision, lines }) =>
        homeOf(transactionId) !== city.id && (decision === "ABORTED" || linesAreSound(lines)),
      run: (entries) => decideTransactions(city.sql, entries, city.clock),
      violation: {},
    }),

  outcome: (_, { transactions }, { city }) =>
    answerEach({
      city,
      field: "transactions",
      entries: transactions,
      isSound: ({ transactionId, cityId }) =>
        homeOf(transactionId) === city.id && city.placement.partitions.some(({ id }) => id === cityId),
      run: (entries) => transactionOutcomes(city.sql, entries, city.clock),
      violation: { lines: [] },
    }),
} satisfies MutationResolvers;

interface Batch<Entry, Answer> {
  city: City;
  field: string;
  entries: readonly Entry[];
  isSound: (entry: Entry) => boolean;
  run: (entries: Entry[]) => Promise<Answer[]>;
  /** What a VIOLATION's answer has beside its state. */
  violation: Omit<Answer, "transactionId" | "state">;
}

/** Runs the sound entries as one database transaction and answers all of them in order. */
async function answerEach<
  Entry extends { transactionId: string },
  Answer extends { transactionId: string; state: string },
>({ city, field, entries, isSound, run, violation }: Batch<Entry, Answer>): Promise<Answer[]> {
  if (entries.length > BATCH_MAX) throw badInput(field, `may have ${BATCH_MAX} entries at most`);
  const sound = new Map<string, Entry>();
  const accepted = new Set<Entry>();
  for (const entry of entries) {
    if (sound.has(entry.transactionId) || !TRANSACTION_ID.test(entry.transactionId) || !isSound(entry))
      continue;
    sound.set(entry.transactionId, entry);
    accepted.add(entry);
  }
  const answers = new Map(
    (await retryLostTransaction(() => run([...accepted]))).map((answer) => [answer.transactionId, answer]),
  );
  return entries.map((entry) => {
    const { transactionId } = entry;
    const answer = accepted.has(entry)
      ? answers.get(transactionId)!
      : ({ ...violation, transactionId, state: "VIOLATION" } as unknown as Answer);
    if (answer.state === "VIOLATION")
      alarm(city.log, transactionId, `a message of the field ${field} breaks the protocol`);
    return answer;
  });
}

function homeOf(transactionId: string): string {
  return transactionId.slice(0, Math.max(0, transactionId.indexOf(":")));
}

/** One line or more, each of another product and of a positive quantity. */
function linesAreSound(lines: readonly ProductQuantity[]): boolean {
  const products = new Set(lines.map(({ productId }) => productId));
  return lines.length > 0 && products.size === lines.length && lines.every(isPositive);
}

function isPositive({ productId, quantity }: ProductQuantity): boolean {
  return quantity > 0 && productId.length > 0 && productId.length <= 100 && !productId.includes("\0");
}

/** Of this city's client, with allocations of known cities that add up to the lines. */
function orderIsSound(
  { clientId, idempotencyKey, requestHash, lines, allocations }: CommitRequest,
  city: City,
): boolean {
  const texts = [clientId, idempotencyKey, requestHash];
  if (texts.some((text) => text.length > 200 || text.includes("\0"))) return false;
  if (homeOf(clientId) !== city.id || !linesAreSound(lines) || lines.some(({ unitPrice }) => unitPrice < 0))
    return false;
  const cities = new Set(city.placement.partitions.map(({ id }) => id));
  if (!allocations.every((allocation) => cities.has(allocation.cityId) && isPositive(allocation)))
    return false;
  const pairs = new Set(allocations.map(({ cityId, productId }) => `${cityId} ${productId}`));
  if (pairs.size !== allocations.length) return false;
  const open = new Map(lines.map(({ productId, quantity }) => [productId, quantity]));
  for (const { productId, quantity } of allocations)
    open.set(productId, (open.get(productId) ?? 0) - quantity);
  return [...open.values()].every((left) => left === 0);
}
