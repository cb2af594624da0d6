/** Transactions as their home knows them, and this city's part in those of others. */
import type { Resolvers } from "@teranga/schema/generated/city.ts";
import type { CityContext } from "../context.ts";
import type { DecisionRow, TransactionStub } from "../model.ts";
import { canBeId, mustOwn } from "./routing.ts";

/** @throws GraphQLError WRONG_CITY if the transaction is of another home: the gateway asks there instead. */
async function decisionOf({ id }: TransactionStub, { city, load }: CityContext): Promise<DecisionRow> {
  mustOwn(city, id);
  return (await load.decision.load(id))!;
}

export const transactionResolvers = {
  Transaction: {
    async __resolveReference({ id }, { city, load }) {
      mustOwn(city, id);
      return canBeId(id) && (await load.decision.load(id)) ? { id } : null;
    },
    kind: async (stub, _, context) => (await decisionOf(stub, context)).kind,
    state: async (stub, _, context) => (await decisionOf(stub, context)).state,
    decidedAt: async (stub, _, context) => (await decisionOf(stub, context)).decidedAt,
    home: ({ id }, _, { city }) => {
      mustOwn(city, id);
      return { id: city.id };
    },
    participants: ({ id }, _, { load }) => load.participants.load(id),
    order: ({ id }, _, { load }) => load.order.load(id),
  },
  TransactionParticipant: {
    city: ({ cityId }) => ({ id: cityId }),
  },
  Participation: {
    transaction: ({ transactionId }) => ({ id: transactionId }),
    lines: ({ transactionId }, _, { load }) => load.reservations.load(transactionId),
  },
  ParticipationLine: {
    product: ({ productId }) => ({ id: productId }),
  },
} satisfies Resolvers;
