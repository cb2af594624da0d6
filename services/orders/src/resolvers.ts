/** The service's part of the graph. Results hold only the ids of what others own: the gateway asks the owners for the rest. */
import { Amount } from "@teranga/kit/scalars.ts";
import type { Resolvers } from "@teranga/schema/generated/orders.ts";
import type { OrdersContext } from "./context.ts";
import { parsePlaceInput, parseQuoteInput } from "./order-request.ts";
import { placeOrder } from "./place-order.ts";
import { quoteOrder } from "./quote-order.ts";

export const resolvers: Resolvers<OrdersContext> = {
  Amount,
  Query: {
    quoteOrder: (_, { input }, context) =>
      quoteOrder(parseQuoteInput(input, context.cities.partitionOf), context),
  },
  Mutation: {
    placeOrder: (_, { input }, context) =>
      placeOrder(parsePlaceInput(input, context.cities.partitionOf), context),
  },
  QuoteOrderResult: { __resolveType: ({ __typename }) => __typename! },
  PlaceOrderResult: { __resolveType: ({ __typename }) => __typename! },
};
