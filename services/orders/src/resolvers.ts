/**
 * The service's part of the graph. A result holds only the ids of objects that other services own. The
 * gateway asks the owners for the rest.
 */
import type { EveryField } from "@teranga/kit/graphql/every-field.ts";
import { Amount } from "@teranga/kit/graphql/scalars.ts";
import type { Resolvers, ResolversParentTypes } from "@teranga/schema/generated/orders.ts";
import { cancelOrder } from "./cancellation/cancel-order.ts";
import { parseCancelInput } from "./cancellation/cancel-request.ts";
import type { OrdersContext } from "./context.ts";
import { observeAnswer } from "./observe-answer.ts";
import { parsePlaceInput, parseQuoteInput } from "./order/order-request.ts";
import { placeOrder } from "./order/place-order.ts";
import { quoteOrder } from "./order/quote-order.ts";
import { parseTransferInput } from "./transfer/transfer-request.ts";
import { transferStock } from "./transfer/transfer-stock.ts";

const own = {
  Amount,
  Query: {
    quoteOrder: (_, { input }, context) =>
      quoteOrder(parseQuoteInput(input, context.cities.partitionOf), context),
  },
  Mutation: {
    placeOrder: (_, { input }, context) =>
      observeAnswer("placeOrder", context, async () =>
        placeOrder(parsePlaceInput(input, context.cities.partitionOf), context),
      ),
    cancelOrder: (_, { input }, context) =>
      observeAnswer("cancelOrder", context, async () =>
        cancelOrder(parseCancelInput(input, context), context),
      ),
    transferStock: (_, { input }, context) =>
      observeAnswer("transferStock", context, async () =>
        transferStock(parseTransferInput(input, context.cities), context),
      ),
  },
  QuoteOrderResult: { __resolveType: ({ __typename }) => __typename! },
  PlaceOrderResult: { __resolveType: ({ __typename }) => __typename! },
  CancelOrderResult: { __resolveType: ({ __typename }) => __typename! },
  TransferStockResult: { __resolveType: ({ __typename }) => __typename! },
} satisfies Resolvers<OrdersContext>;

export const resolvers: Resolvers<OrdersContext> = own satisfies EveryField<
  Resolvers,
  ResolversParentTypes,
  typeof own
>;
