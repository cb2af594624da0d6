/**
 * Goal: the money of orders that an outside provider pays adds up, whatever fails between the provider and
 * the commit point. Method: the real commit point with a faulty company.
 */

import { phoneOf } from "@teranga/city/payments/test-city.ts";
import { expect, test } from "vitest";
import { GIVEN, LONG_MS, PRICE, useShop } from "./shop.ts";

const shop = useShop("payments_of_orders");

/** A deadline that the test means to miss. */
const LATE_MS = 100;

test("an order is authorised before its commit point, and captured after", async () => {
  const order = shop.newOrder();
  await shop.payments.authorise([order]);
  expect(await shop.stateOf(order)).toBe("AUTHORISED");
  expect(shop.company.moneyOf("dakar:1")).toEqual({ free: GIVEN - PRICE, held: PRICE, taken: 0 });
  expect(await shop.commit(order)).toEqual(["COMMITTED"]);
  expect(await shop.settle()).toBe(true);
  expect(await shop.stateOf(order)).toBe("CAPTURED");
  expect(shop.company.moneyOf("dakar:1")).toEqual({ free: GIVEN - PRICE, held: 0, taken: PRICE });
  expect(await shop.settle()).toBe(false);
});

test("ways of paying that the commit point settles cost no statement and no request", async () => {
  const orders = ["CASH_ON_DELIVERY", "WALLET"].map((paymentMethod) => shop.newOrder({ paymentMethod }));
  shop.statements.length = 0;
  await shop.payments.authorise(orders);
  expect(shop.statements).toEqual([]);
  expect(await shop.commit(...orders)).toEqual(["COMMITTED", "DECLINED"]);
  expect(shop.company.received).toEqual([]);
});

test("a definite no declines the order, and nobody has to be told", async () => {
  const dear = shop.newOrder({ lines: [{ productId: "101", quantity: 1, unitPrice: GIVEN + 1 }] });
  expect(await shop.commit(dear, shop.newOrder())).toEqual(["DECLINED", "COMMITTED"]);
  expect(await shop.stateOf(dear)).toBe("DECLINED");
});

test("a way of paying that nobody stands for is declined", async () => {
  const order = shop.newOrder({ paymentMethod: "SHELLS" });
  expect(await shop.commit(order)).toEqual(["DECLINED"]);
  expect(await shop.stateOf(order)).toBeUndefined();
});

test("a client without a telephone number is not asked to pay by it", async () => {
  await shop.city.sql`update client set phone = null where id = 'dakar:1'`;
  const order = shop.newOrder();
  expect(await shop.commit(order)).toEqual(["DECLINED"]);
  expect(await shop.stateOf(order)).toBeUndefined();
  expect(shop.company.received).toEqual([]);
});

test("a number that was kept with spaces is asked without them", async () => {
  await shop.city.sql`update client set phone = '+221 77 000 00 01' where id = 'dakar:1'`;
  expect(await shop.commit(shop.newOrder())).toEqual(["COMMITTED"]);
  expect(shop.company.moneyOf("dakar:1").held).toBe(PRICE);
});

test("a client whose number was kept in a form that none has is not asked to pay by it", async () => {
  await shop.city.sql`update client set phone = '+1       ' where id = 'dakar:1'`;
  const [order, other] = [shop.newOrder(), shop.newOrder({ clientId: "dakar:2" })];
  expect(await shop.commit(order, other)).toEqual(["DECLINED", "COMMITTED"]);
  expect([...(await shop.payments.whyDeclined([order])).values()]).toEqual(["NO_PHONE"]);
  expect(await shop.stateOf(order)).toBeUndefined();
});

test("why an order was declined is told, and told again", async () => {
  const dear = shop.newOrder({ lines: [{ productId: "101", quantity: 1, unitPrice: GIVEN + 1 }] });
  const [lost, shells, phoneless, poor] = [
    shop.newOrder(),
    shop.newOrder({ paymentMethod: "SHELLS" }),
    shop.newOrder({ clientId: "dakar:2" }),
    shop.newOrder({ paymentMethod: "WALLET" }),
  ];
  await shop.city.sql`update client set phone = null where id = 'dakar:2'`;
  expect(await shop.commit(dear)).toEqual(["DECLINED"]);
  shop.company.break({ losesAnswer: () => true });
  const orders = [lost, shells, phoneless, poor];
  expect(await shop.commit(...orders)).toEqual(["DECLINED", "DECLINED", "DECLINED", "DECLINED"]);
  const reasons = () => shop.payments.whyDeclined([dear, ...orders]).then((told) => [...told.values()]);
  const expected = ["REFUSED", "NO_ANSWER", "NOT_OFFERED", "NO_PHONE", "TOO_LITTLE_MONEY"];
  expect(await reasons()).toEqual(expected);
  await shop.untilSettled();
  expect(await reasons()).toEqual(expected);
});

test("a copy of the message asks for the same, although the client has another number by now", async () => {
  shop.company.break({ losesAnswer: () => true });
  const order = shop.newOrder();
  await shop.payments.authorise([order]);
  await shop.city.sql`update client set phone = '+221779999999' where id = 'dakar:1'`;
  shop.company.heal();
  expect(await shop.commit(order)).toEqual(["COMMITTED"]);
  await shop.settle();
  expect(shop.company.moneyOf("dakar:1").taken).toBe(PRICE);
});

test("a provider that is down declines, and is told to void until it is back", async () => {
  await shop.company.stop();
  const order = shop.newOrder();
  expect(await shop.commit(order)).toEqual(["DECLINED"]);
  for (let tries = 0; tries < 3; tries++) {
    shop.nowMs += LONG_MS;
    expect(await shop.settle()).toBe(true);
    expect(await shop.stateOf(order)).toBe("VOIDING");
  }
  await shop.company.start();
  await shop.untilSettled();
  expect(await shop.stateOf(order)).toBe("VOIDED");
  expect(shop.company.stateOf(order.transactionId)).toBe("VOIDED");
});

test("an authorise whose answer is lost declines, and the money is released", async () => {
  shop.company.break({ losesAnswer: (message) => message === "authorise" });
  const order = shop.newOrder();
  expect(await shop.commit(order)).toEqual(["DECLINED"]);
  expect(shop.company.moneyOf("dakar:1").held).toBe(PRICE);
  await shop.untilSettled();
  expect(shop.company.stateOf(order.transactionId)).toBe("VOIDED");
});

test("an authorise that arrives after its void sets nothing aside", async () => {
  const voided = Promise.withResolvers<void>();
  shop.company.break({ wait: async (message) => message === "authorise" && voided.promise });
  shop.restart(LATE_MS);
  const order = shop.newOrder();
  expect(await shop.commit(order)).toEqual(["DECLINED"]);
  shop.restart();
  await shop.settle();
  expect(await shop.stateOf(order)).toBe("VOIDED");
  voided.resolve();
  const { transactionId } = order;
  await expect
    .poll(() => shop.company.received)
    .toEqual([`void ${transactionId}`, `authorise ${transactionId}`]);
  expect(shop.company.moneyOf("dakar:1")).toEqual({ free: GIVEN, held: 0, taken: 0 });
});

test("an authorise whose answer arrives after its void is not noted any more", async () => {
  const [asked, voided] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  shop.company.break({
    async losesAnswer(message) {
      if (message !== "authorise") return false;
      asked.resolve();
      await voided.promise;
      return false;
    },
  });
  const order = shop.newOrder();
  const committing = shop.commit(order);
  await asked.promise;
  shop.nowMs += LONG_MS;
  await shop.settle();
  voided.resolve();
  expect(await committing).toEqual(["ABORTED"]);
  expect(await shop.stateOf(order)).toBe("VOIDED");
});

test("a crash between authorise and commit: the transaction is fenced and the money released", async () => {
  const order = shop.newOrder();
  await shop.payments.authorise([order]);
  shop.restart();
  expect(await shop.settle()).toBe(false);
  shop.nowMs += LONG_MS;
  expect(await shop.settle()).toBe(true);
  expect(await shop.stateOf(order)).toBe("VOIDED");
  expect(shop.company.moneyOf("dakar:1")).toEqual({ free: GIVEN, held: 0, taken: 0 });
  expect(await shop.commit(order)).toEqual(["ABORTED"]);
});

test("a crash before the provider was asked, and one before its answer was noted", async () => {
  const [unasked, unnoted] = [shop.newOrder(), shop.newOrder()];
  await shop.payments.authorise([unnoted]);
  const { transactionId, clientId } = unasked;
  await shop.city
    .sql`update payment set state = 'AUTHORISING' where transaction_id = ${unnoted.transactionId}`;
  await shop.city
    .sql`insert into payment (transaction_id, client_id, phone, method, amount, state, next_attempt_at)
    values (${transactionId}, ${clientId}, ${phoneOf(clientId)}, 'MOBILE_MONEY', ${PRICE}, 'AUTHORISING', ${new Date(shop.nowMs)})`;
  await shop.untilSettled();
  expect([await shop.stateOf(unasked), await shop.stateOf(unnoted)]).toEqual(["VOIDED", "VOIDED"]);
  expect([await shop.commit(unasked), await shop.commit(unnoted)]).toEqual([["ABORTED"], ["ABORTED"]]);
});

test("a commit that comes after the fence leaves nothing held", async () => {
  const order = shop.newOrder();
  await shop.city
    .sql`select from transaction_outcomes(${shop.city.sql.json([{ transactionId: order.transactionId, cityId: "autres" }])}, ${new Date(shop.nowMs)})`;
  expect(await shop.commit(order)).toEqual(["ABORTED"]);
  expect(shop.company.received).toEqual([]);
});

test("a message that comes again, also at the same time, is one payment", async () => {
  const order = shop.newOrder();
  const answers = await Promise.all([shop.commit(order), shop.commit(order), shop.commit(order)]);
  expect(answers).toEqual([["COMMITTED"], ["COMMITTED"], ["COMMITTED"]]);
  await shop.untilSettled();
  expect(await shop.commit(order)).toEqual(["COMMITTED"]);
  expect(shop.company.moneyOf("dakar:1").taken).toBe(PRICE);
});

test("an order that its key answers, or of an unknown client, asks for no money", async () => {
  const order = shop.newOrder();
  await shop.commit(order);
  const asked = shop.company.received.length;
  const { idempotencyKey } = order;
  expect(
    await shop.commit(
      shop.newOrder({ idempotencyKey }),
      shop.newOrder({ idempotencyKey, requestHash: "other" }),
    ),
  ).toEqual(["REPLAYED", "KEY_REUSED"]);
  expect(await shop.commit(shop.newOrder({ clientId: "dakar:99" }))).toEqual(["UNKNOWN_CLIENT"]);
  expect(shop.company.received).toHaveLength(asked);
});

test("a provider that has another payment under the transaction's id raises the alarm and declines", async () => {
  const order = shop.newOrder();
  const { transactionId } = order;
  await shop.provider.authorise({ transactionId, clientId: "dakar:2", phone: phoneOf("dakar:2"), amount: 1 });
  expect(await shop.commit(order)).toEqual(["DECLINED"]);
  expect(shop.alarms).toBe(1);
  await shop.untilSettled();
  expect(await shop.stateOf(order)).toBe("VOIDED");
  shop.alarms = 0;
});

test("a provider that refuses to capture raises the alarm, and the payment stays as it is", async () => {
  const order = shop.newOrder();
  expect(await shop.commit(order)).toEqual(["COMMITTED"]);
  await shop.provider.void(order.transactionId);
  await shop.settle();
  expect(shop.alarms).toBe(1);
  expect(await shop.stateOf(order)).toBe("AUTHORISED");
  shop.nowMs += LONG_MS;
  expect(await shop.settle()).toBe(true);
  // Only people can mend this: until then the money does not add up.
  await expect(shop.expectMoneyAddsUp()).rejects.toThrow();
  await shop.city.sql`truncate client cascade`;
  shop.alarms = 0;
});

test.each([
  ["after its capture", true],
  ["before its capture", false],
])("an order that is cancelled %s is refunded", async (_when, isCaptured) => {
  const order = shop.newOrder();
  expect(await shop.commit(order)).toEqual(["COMMITTED"]);
  if (isCaptured) await shop.settle();
  expect(await shop.cancel(order)).toBe("COMMITTED");
  expect(await shop.stateOf(order)).toBe("REFUNDING");
  await shop.settle();
  expect(await shop.stateOf(order)).toBe("REFUNDED");
  expect(shop.company.received.at(-1)).toBe(`refund ${order.transactionId}`);
  expect(shop.company.moneyOf("dakar:1")).toEqual({ free: GIVEN, held: 0, taken: 0 });
});

test("an order that is cancelled while its capture is under way is refunded", async () => {
  const order = shop.newOrder();
  await shop.commit(order);
  const [asked, refunded] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  shop.company.break({
    async wait(message) {
      if (message !== "capture") return;
      asked.resolve();
      await refunded.promise;
    },
  });
  const capturing = shop.settle();
  await asked.promise;
  expect(await shop.cancel(order)).toBe("COMMITTED");
  await shop.settle();
  refunded.resolve();
  await capturing;
  const { transactionId } = order;
  expect(shop.company.received.slice(1)).toEqual([`refund ${transactionId}`, `capture ${transactionId}`]);
  expect(await shop.stateOf(order)).toBe("REFUNDED");
});

test("a capture whose answer is lost is sent again and charges once", async () => {
  const order = shop.newOrder();
  await shop.commit(order);
  shop.company.break({ losesAnswer: (message) => message === "capture" });
  await shop.settle();
  expect(await shop.stateOf(order)).toBe("AUTHORISED");
  await shop.untilSettled();
  expect(await shop.stateOf(order)).toBe("CAPTURED");
  expect(shop.company.moneyOf("dakar:1").taken).toBe(PRICE);
});
