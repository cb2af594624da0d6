/** Transactions: the decisions of this home, and all transactions in which this city has a part. */
import type { AbortReason, Resolvers } from "@teranga/schema/generated/city.ts";
import type { CityContext } from "../context.ts";
import type { DecisionRow, ParticipantRow, TransactionStub } from "../model.ts";
import { canBeId, mustOwn, recordedCity } from "./routing.ts";

/** @throws GraphQLError WRONG_CITY if the transaction has another home, where the gateway must ask */
async function decisionOf({ id }: TransactionStub, { city, load }: CityContext): Promise<DecisionRow> {
  mustOwn(city, id);
  return (await load.decision.load(id))!;
}

/** The abort reason for each answer to a refused commit. A fence has no such answer. */
const ABORT_REASONS = {
  ABORTED: "FENCED",
  REFUSED: "OUT_OF_STOCK",
  DECLINED: "PAYMENT_DECLINED",
  REPLAYED: "KEY_USED",
  KEY_REUSED: "KEY_USED",
  UNKNOWN_CLIENT: "NOT_FOUND",
  UNKNOWN_ORDER: "NOT_FOUND",
  ALREADY_CANCELLED: "ALREADY_CANCELLED",
  FULL: "NO_ROOM",
  TOO_OLD: "TOO_OLD",
} satisfies Record<Exclude<DecisionRow["answer"], "COMMITTED">, AbortReason>;

/**
 * The time of a UUIDv7: its first 48 bits are milliseconds since 1970. A UUID of another version gives some
 * wrong time. That does no harm, since the horizon is safe whatever the time is.
 */
function beginningOf(transactionId: string): Date {
  const uuid = transactionId.slice(transactionId.indexOf(":") + 1);
  return new Date(Number.parseInt(uuid.replace("-", "").slice(0, 12), 16));
}

/** When the last participant acknowledged; null while one has not. */
function finishOf({ decidedAt }: DecisionRow, participants: readonly ParticipantRow[]): Date | null {
  const times = [decidedAt];
  for (const { acknowledgedAt } of participants) {
    if (acknowledgedAt === null) return null;
    times.push(acknowledgedAt);
  }
  return new Date(Math.max(...times.map((time) => time.getTime())));
}

function secondsSince(time: Date, { city }: CityContext): number {
  return Math.max(0, city.clock.nowMs() - time.getTime()) / 1_000;
}

export const transactionResolvers = {
  Transaction: {
    async __resolveReference({ id }, { city, load }) {
      mustOwn(city, id);
      return canBeId(id) && (await load.decision.load(id)) ? { id } : null;
    },
    kind: async (stub, _, context) => (await decisionOf(stub, context)).kind,
    state: async (stub, _, context) => (await decisionOf(stub, context)).state,
    async abortReason(stub, _, context) {
      const { answer } = await decisionOf(stub, context);
      return answer === "COMMITTED" ? null : ABORT_REASONS[answer];
    },
    home: ({ id }, _, { city }) => {
      mustOwn(city, id);
      return { id: city.id };
    },
    participants: ({ id }, _, { load }) => load.participants.load(id),
    order: ({ id }, _, { load }) => load.orderOfTransaction.load(id),
    transfer: ({ id }, _, { load }) => load.transfer.load(id),
    begunAt: ({ id }) => beginningOf(id),
    decidedAt: async (stub, _, context) => (await decisionOf(stub, context)).decidedAt,
    async finishedAt(stub, _, context) {
      const [decision, participants] = await Promise.all([
        decisionOf(stub, context),
        context.load.participants.load(stub.id),
      ]);
      return finishOf(decision, participants);
    },
  },
  TransactionParticipant: {
    city: ({ cityId }, _, { city }) => recordedCity(city, cityId),
    state: ({ acknowledgedAt }) => (acknowledgedAt === null ? "UNACKNOWLEDGED" : "ACKNOWLEDGED"),
    async unacknowledgedForSeconds({ transactionId, acknowledgedAt }, _, context) {
      if (acknowledgedAt !== null) return null;
      return secondsSince((await decisionOf({ id: transactionId }, context)).decidedAt, context);
    },
  },
  TransactionLine: {
    product: ({ productId }) => ({ id: productId }),
  },
  StockTransfer: {
    product: ({ productId }) => ({ id: productId }),
    from: ({ fromCityId }, _, { city }) => recordedCity(city, fromCityId),
    to: (_transfer, _args, { city }) => ({ id: city.id }),
  },
  CityTransaction: {
    transaction: ({ transactionId }) => ({ id: transactionId }),
    // The reservations of an aborted transaction are still recorded, but hold no stock.
    lines: ({ transactionId, role, state }, _, { load }) =>
      role === "HOME" || state === "ABORTED" ? [] : load.reservations.load(transactionId),
    inDoubtForSeconds: ({ state, createdAt }, _, context) =>
      state === "IN_DOUBT" ? secondsSince(createdAt, context) : null,
  },
} satisfies Resolvers;
