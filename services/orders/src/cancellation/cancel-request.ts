/** The checked input of cancelOrder. */

import { idempotencyKey, parseInput } from "@teranga/kit/graphql/input.ts";
import { digest } from "@teranga/kit/process/digest.ts";
import type { PartitionOf } from "@teranga/kit/topology/partition.ts";
import type { CancelOrderInput } from "@teranga/schema/generated/orders.ts";
import { z } from "zod";
import { cityBoundId } from "../request-rules.ts";

export interface CancelOrderRequest {
  orderId: string;
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
export function parseCancelInput(input: CancelOrderInput, partitionOf: PartitionOf): CancelOrderRequest {
  const { orderId, idempotencyKey } = parseInput(cancelInput, input, "input");
  return { orderId, isOrderId: ORDER_ID.test(orderId), homeId: partitionOf(orderId), idempotencyKey };
}

export function cancelHash({ orderId }: CancelOrderRequest): string {
  return digest([orderId]);
}
