/** The checked input of cancelOrder. */

import { idempotencyKey, parseInput } from "@teranga/kit/graphql/input.ts";
import { digest } from "@teranga/kit/process/digest.ts";
import type { CancelOrderInput } from "@teranga/schema/generated/orders.ts";
import { z } from "zod";
import type { OrdersContext } from "../context.ts";
import { cityBoundId } from "../request-rules.ts";

export interface CancelOrderRequest {
  orderId: string;
  /** The client that asks, who may cancel its own orders only. Null if an operator asks. */
  clientId: string | null;
  /** Whether the id has the form of an order's id. */
  isOrderId: boolean;
  /** The city that owns the order and decides. */
  homeId: string;
  /** The client's own key; null if it gave none. */
  idempotencyKey: string | null;
}

const ORDER_ID = /^[^:]+:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const cancelInput = z.object({
  orderId: cityBoundId("an order, such as dakar:019a9f3e-…"),
  idempotencyKey,
});

/** @throws GraphQLError BAD_USER_INPUT naming the field, or UNKNOWN_CITY */
export function parseCancelInput(
  input: CancelOrderInput,
  { identity, cities }: Pick<OrdersContext, "identity" | "cities">,
): CancelOrderRequest {
  const { orderId, idempotencyKey } = parseInput(cancelInput, input, "input");
  const clientId = identity.role === "client" ? identity.clientId : null;
  const homeId = cities.partitionOf(orderId);
  return { orderId, clientId, isOrderId: ORDER_ID.test(orderId), homeId, idempotencyKey };
}

/** Two callers must not share an answer. */
export function cancelHash({ orderId, clientId }: CancelOrderRequest): string {
  return digest(clientId === null ? [orderId] : [orderId, clientId]);
}
