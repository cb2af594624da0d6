/** All resolvers of a city. */
import type { EveryField } from "@teranga/kit/graphql/every-field.ts";
import { Amount, DateTime } from "@teranga/kit/graphql/scalars.ts";
import type { MutationResolvers, Resolvers, ResolversParentTypes } from "@teranga/schema/generated/city.ts";
import { type CityContext, createLoaders } from "../context.ts";
import { cityResolvers } from "./city.ts";
import { clientMutations, clientResolvers } from "./client.ts";
import { orderResolvers } from "./order.ts";
import { protocolMutations } from "./protocol.ts";
import { queries } from "./query.ts";
import { stockMutations, stockResolvers } from "./stock.ts";
import { transactionResolvers } from "./transaction.ts";
import { walletMutations, walletResolvers } from "./wallet.ts";

const own = {
  DateTime,
  Amount,
  Query: queries,
  Mutation: withFreshLoaders({
    ...clientMutations,
    ...stockMutations,
    ...walletMutations,
    ...protocolMutations,
  }),
  City: cityResolvers,
  GlobalClientConnection: { complete: () => true, missingCities: () => [] },
  ...clientResolvers,
  ...stockResolvers,
  ...orderResolvers,
  ...transactionResolvers,
  ...walletResolvers,
} satisfies Resolvers;

export const resolvers: Resolvers = own satisfies EveryField<Resolvers, ResolversParentTypes, typeof own>;

/**
 * A request's mutations run one after the other. A later one must not show what an earlier one has loaded.
 */
function withFreshLoaders<Given extends MutationResolvers>(mutations: Given): Given {
  const entries = Object.entries(mutations) as [
    string,
    (...args: [unknown, unknown, CityContext, unknown]) => unknown,
  ][];
  const fresh = entries.map(([name, resolve]) => [
    name,
    (parent: unknown, args: unknown, context: CityContext, info: unknown) => {
      context.load = createLoaders(context.city);
      return resolve(parent, args, context, info);
    },
  ]);
  return Object.fromEntries(fresh) as Given;
}
