/**
 * Whose order, quote or transfer it would be: what the policies "own client" and "own city" of
 * schema/orders.graphql mean here. kit/src/identity/guard.ts asks it before anything is done.
 */
import type { Guard } from "@teranga/kit/identity/guard.ts";
import { unknownClient } from "./answers.ts";
import { unknownOrder } from "./cancellation/cancel-order.ts";
import type { OrdersContext } from "./context.ts";

/** The city in an id; none if it names none, which the field itself tells to those who may ask. */
function cityIdsOf(id: string, { cities }: OrdersContext): string[] {
  try {
    return [cities.partitionOf(id)];
  } catch {
    return [];
  }
}

const ofClient = {
  row: ({ input: { clientId } }: { input: { clientId: string } }, context: OrdersContext) => ({
    clientId,
    cityIds: cityIdsOf(clientId, context),
  }),
  unknown: ({ input }: { input: { clientId: string } }) => unknownClient(input.clientId),
};

export const ownership: Guard<OrdersContext> = {
  rows: {},
  calls: {
    "Query.quoteOrder": ofClient,
    "Mutation.placeOrder": ofClient,
    "Mutation.cancelOrder": {
      // Whose order it is, its home knows: it cancels a client's own orders only (cancel-request.ts). A
      // client's orders are in the client's city, so another city is not even asked.
      row: ({ input }, context) => {
        const { identity } = context;
        const cityIds = cityIdsOf(input.orderId, context);
        if (identity.role !== "client") return { cityIds };
        const isAtHome = cityIdsOf(identity.clientId, context).some((id) => cityIds.includes(id));
        return { clientId: isAtHome ? identity.clientId : undefined };
      },
      unknown: ({ input }) => unknownOrder(input.orderId),
    },
    "Mutation.transferStock": { row: ({ input }) => ({ cityIds: [input.toCityId] }) },
  },
};
