/** Orders with their lines, allocations and payments. */
import type { Position } from "@teranga/kit/graphql/connection.ts";
import type { Resolvers } from "@teranga/schema/generated/city.ts";
import type { OrderRow } from "../model.ts";
import { canBeId, mustOwn, recordedCity } from "./routing.ts";

/** The position of an order in a list of this ordering. */
export function orderPosition(order: string): (row: OrderRow) => Position {
  const byTotal = order.startsWith("TOTAL");
  return ({ id, total, placedAt }) => ({ id, key: byTotal ? total : placedAt.toISOString() });
}

export const orderResolvers = {
  Order: {
    async __resolveReference({ id }, { city, load }) {
      mustOwn(city, id);
      return canBeId(id) ? load.order.load(id) : null;
    },
    // A foreign key makes sure that the client exists.
    client: async ({ clientId }, _, { load }) => (await load.client.load(clientId))!,
    lines: ({ id }, _, { load }) => load.orderLines.load(id),
    allocations: ({ id }, _, { load }) => load.orderAllocations.load(id),
    currency: () => "XOF" as const,
    // The commit point writes the payment with the order.
    payment: async ({ id }, _, { load }) => (await load.payment.load(id))!,
    transaction: ({ id }) => ({ id }),
    cancellation: ({ cancelledBy }) => (cancelledBy === null ? null : { id: cancelledBy }),
  },
  OrderLine: {
    product: ({ productId }) => ({ id: productId }),
    total: ({ quantity, unitPrice }) => quantity * unitPrice,
  },
  OrderAllocation: {
    city: ({ cityId }, _, { city }) => recordedCity(city, cityId),
    product: ({ productId }) => ({ id: productId }),
  },
} satisfies Resolvers;
