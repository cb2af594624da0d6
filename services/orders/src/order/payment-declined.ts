/** What a client is told whose payment was declined. */
import type { PaymentDeclined, PaymentDeclinedReason } from "@teranga/schema/generated/orders.ts";
import type { Named } from "../answers.ts";
import type { PlaceOrderRequest } from "./order-request.ts";

const WHY_DECLINED: Record<PaymentDeclinedReason, string> = {
  TOO_LITTLE_MONEY: "The wallet holds too little for the order.",
  REFUSED: "The payment provider refuses to pay for the order.",
  NO_ANSWER: "The payment provider did not answer in time.",
  NO_PHONE: "The client has no telephone number to pay by.",
  NOT_OFFERED: "The client's city does not offer this way of paying.",
};

export function paymentDeclined(
  { payment: method }: PlaceOrderRequest,
  total: number,
  { balance, reason }: { balance: number | null; reason: PaymentDeclinedReason },
): Named<PaymentDeclined> {
  const message = `${WHY_DECLINED[reason]} Nothing was changed.`;
  return { __typename: "PaymentDeclined", message, method, reason, total, balance };
}
