/** An order as a client asks for it, and how to tell that a commit is of it. */
import type { KeyedRequest } from "./promises.ts";

export interface OrderInput {
  clientId: string;
  lines: { productId: string; quantity: number }[];
  payment: "WALLET" | "CASH_ON_DELIVERY";
  idempotencyKey: string;
  expectedTotal?: number;
  maxSplits?: number;
}

export function orderRequest({
  clientId,
  lines,
  payment,
  idempotencyKey,
  ...bounds
}: OrderInput): KeyedRequest {
  const asked = JSON.stringify(lines.map(({ productId, quantity }) => [productId, quantity]).sort());
  return {
    ...bounds,
    clientId,
    kind: "ORDER",
    key: idempotencyKey,
    fits: ({ order }) =>
      order?.clientId === clientId &&
      order.payment === payment &&
      JSON.stringify(order.lines.map(([productId, quantity]) => [productId, quantity]).sort()) === asked,
  };
}
