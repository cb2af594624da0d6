/**
 * Goal: the client of an order that the commit point refuses has the money back before the answer.
 * Method: the real commit point with a company outside, and orders for more pieces than there are.
 */
import type { OrderCommit } from "@teranga/protocol/messages.ts";
import { expect, test } from "vitest";
import { GIVEN, PRICE, useShop } from "./shop.ts";

const shop = useShop("payments_of_refused_orders");

/** An order for more pieces than the city has, and for most of the money of the client. */
function orderThatIsShort(cityId = "dakar", changes: Partial<OrderCommit> = {}): OrderCommit {
  const lines = [{ productId: "101", quantity: 2_000, unitPrice: 4 }];
  return shop.newOrder({ lines, allocations: [{ cityId, productId: "101", quantity: 2_000 }], ...changes });
}

test("an order that is short of stock releases its money before it is answered, and no other's", async () => {
  const [short, other] = [orderThatIsShort(), shop.newOrder()];
  expect(await shop.commit(short, other)).toEqual(["REFUSED", "COMMITTED"]);
  expect([await shop.stateOf(short), await shop.stateOf(other)]).toEqual(["VOIDED", "AUTHORISED"]);
  expect(shop.company.moneyOf("dakar:1")).toEqual({ free: GIVEN - PRICE, held: PRICE, taken: 0 });
  expect(shop.company.received.slice(2)).toEqual([`void ${short.transactionId}`]);
});

test("the next transaction of an order can be paid with the money of the one before it", async () => {
  const first = orderThatIsShort();
  expect(await shop.commit(first)).toEqual(["REFUSED"]);
  const { idempotencyKey } = first;
  expect(await shop.commit(orderThatIsShort("thies", { idempotencyKey }))).toEqual(["COMMITTED"]);
});

test.each([
  ["a copy of the message", (order: OrderCommit) => shop.commit(order)],
  ["recovery", () => shop.settle()],
])("money whose release was not answered is released by %s", async (_by, again) => {
  shop.company.break({ losesAnswer: (message) => message === "void" });
  const order = orderThatIsShort();
  expect(await shop.commit(order)).toEqual(["REFUSED"]);
  expect(await shop.stateOf(order)).toBe("VOIDING");
  shop.company.heal();
  await again(order);
  expect(await shop.stateOf(order)).toBe("VOIDED");
  expect(await shop.commit(order)).toEqual(["REFUSED"]);
});
