/** Everything that a city resolves. */
import { Amount, DateTime } from "@teranga/kit/scalars.ts";
import type { Resolvers } from "@teranga/schema/generated/city.ts";
import { cityResolvers } from "./city.ts";
import { clientMutations, clientResolvers } from "./client.ts";
import { orderResolvers } from "./order.ts";
import { protocolMutations } from "./protocol.ts";
import { queries } from "./query.ts";
import { stockMutations, stockResolvers } from "./stock.ts";
import { transactionResolvers } from "./transaction.ts";

export const resolvers: Resolvers = {
  DateTime,
  Amount,
  Query: queries,
  Mutation: { ...clientMutations, ...stockMutations, ...protocolMutations },
  City: cityResolvers,
  ...clientResolvers,
  ...stockResolvers,
  ...orderResolvers,
  ...transactionResolvers,
};
