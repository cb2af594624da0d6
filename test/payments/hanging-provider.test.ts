/**
 * Goal: a provider that does not answer delays only its own orders and payments. Method: a provider that
 * answers when the test tells it to, and a company that takes messages over HTTP and never answers.
 */

import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createCityMetrics } from "@teranga/city/metrics.ts";
import { createHttpProvider } from "@teranga/city/payments/http-provider.ts";
import type { PaymentProvider } from "@teranga/city/payments/payment-provider.ts";
import { createPayments } from "@teranga/city/payments/payments.ts";
import { openTestCity, type TestCity } from "@teranga/city/payments/test-city.ts";
import { protocolMutations } from "@teranga/city/resolvers/protocol.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import { Registry } from "@teranga/kit/process/metrics.ts";
import { createCommitProtocol } from "@teranga/protocol/city/commit-protocol.ts";
import type { OrderCommit } from "@teranga/protocol/messages.ts";
import { afterAll, beforeAll, expect, inject, test, vi } from "vitest";
import { setClock } from "../../services/city/test/set-clock.ts";

const CLOCK = setClock(() => Date.parse("2026-01-01T00:00:00Z"));

let database: TestCity;
beforeAll(async () => {
  database = await openTestCity("payments_that_hang", inject("postgresUrl"));
  await database.sql.unsafe(`
    insert into client (id, name, email, phone, town) values ('dakar:1', 'n', 'e@example.org', '+221770000001', 'Dakar');
    insert into stock (product_id, warehouse, on_hand) values ('101', 'Dakar', 100)`);
});
afterAll(() => database.close());

let count = 0;
function orderPaidBy(paymentMethod: string, quantity = 1): OrderCommit {
  const number = ++count;
  return {
    transactionId: `dakar:00000000-0000-7000-8000-${String(number).padStart(12, "0")}`,
    clientId: "dakar:1",
    idempotencyKey: `key ${number}`,
    requestHash: "hash",
    paymentMethod,
    lines: [{ productId: "101", quantity, unitPrice: 5 }],
    allocations: [{ cityId: "dakar", productId: "101", quantity }],
  };
}
const DEADLINE_MS = 60_000;

/** A provider whose answers all wait for one promise. */
function providerAfter(method: string, until: Promise<unknown>): PaymentProvider {
  const done = () => until.then(() => "DONE" as const);
  const authorise = () => until.then(() => "AUTHORISED" as const);
  return { method, authorise, capture: done, void: done, refund: done };
}

function cityWith(
  providers: PaymentProvider[],
  deadlines = { authoriseMs: DEADLINE_MS, releaseMs: DEADLINE_MS, settleMs: DEADLINE_MS },
) {
  const log = createLogger("test", "silent");
  const means = {
    id: "dakar",
    sql: database.sql,
    protocol: createCommitProtocol(database.sql),
    clock: CLOCK,
    log,
    metrics: createCityMetrics(new Registry()),
  };
  const payments = createPayments(means, providers, deadlines);
  return { ...means, payments };
}

const commit = protocolMutations.commitOrders as unknown as (
  ...args: [null, { orders: OrderCommit[] }, { city: object }]
) => Promise<{ state: string; declined: string | null }[]>;

const decisionOf = async ({ transactionId }: OrderCommit) =>
  (await database.sql`select state from transaction_decision where transaction_id = ${transactionId}`)[0]
    ?.state;

const stateOf = async ({ transactionId }: OrderCommit) =>
  (await database.sql`select state from payment where transaction_id = ${transactionId}`)[0]?.state;

test("orders of a message that the commit point settles are committed while a provider is asked for others", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const city = cityWith([providerAfter("MOBILE_MONEY", promise), providerAfter("CARD", Promise.resolve())]);
  const orders = ["MOBILE_MONEY", "CASH_ON_DELIVERY", "CARD"].map((method) => orderPaidBy(method));
  const answers = commit(null, { orders }, { city });
  await vi.waitUntil(async () => (await decisionOf(orders[1]!)) && (await decisionOf(orders[2]!)));
  expect(await decisionOf(orders[0]!)).toBeUndefined();
  resolve();
  expect((await answers).map(({ state }) => state)).toEqual(["COMMITTED", "COMMITTED", "COMMITTED"]);
});

test("payments by another provider are settled meanwhile", async () => {
  const ready = cityWith(["MOBILE_MONEY", "CARD"].map((method) => providerAfter(method, Promise.resolve())));
  const orders = ["MOBILE_MONEY", "CARD"].map((method) => orderPaidBy(method));
  await ready.payments.authorise(orders);
  await ready.protocol.commitOrders(orders, CLOCK);

  const { promise, resolve } = Promise.withResolvers<void>();
  const { payments } = cityWith([
    providerAfter("MOBILE_MONEY", promise),
    providerAfter("CARD", Promise.resolve()),
  ]);
  const steps = payments.settlers.map(({ settle }) => settle());
  await vi.waitUntil(async () => (await stateOf(orders[1]!)) === "CAPTURED");
  expect(await stateOf(orders[0]!)).toBe("AUTHORISED");
  resolve();
  expect(await Promise.all(steps)).toEqual([true, true, false]);
  expect(await stateOf(orders[0]!)).toBe("CAPTURED");
});

test("a refused order waits for the release of its money, and not beyond the deadline", async () => {
  const ready = providerAfter("MOBILE_MONEY", Promise.resolve());
  const silent = { ...providerAfter("CARD", Promise.resolve()), void: () => new Promise<never>(() => {}) };
  const city = cityWith([ready, silent], { authoriseMs: DEADLINE_MS, releaseMs: 50, settleMs: DEADLINE_MS });
  const orders = ["MOBILE_MONEY", "CARD"].map((method) => orderPaidBy(method, 1_000));
  const answers = await commit(null, { orders }, { city });
  expect(answers.map(({ state }) => state)).toEqual(["REFUSED", "REFUSED"]);
  expect([await stateOf(orders[0]!), await stateOf(orders[1]!)]).toEqual(["VOIDED", "VOIDING"]);
  await database.sql`delete from payment where transaction_id = ${orders[1]!.transactionId}`;
});

test("a payment whose provider is gone comes up again, and holds up nobody", async () => {
  const order = orderPaidBy("CARD");
  const { payments, protocol } = cityWith([providerAfter("CARD", Promise.resolve())]);
  await payments.authorise([order]);
  await protocol.commitOrders([order], CLOCK);
  const { settlers } = cityWith([providerAfter("MOBILE_MONEY", Promise.resolve())]).payments;
  expect(settlers.map(({ method }) => method)).toEqual(["MOBILE_MONEY", null]);
  expect(await Promise.all(settlers.map(({ settle }) => settle()))).toEqual([false, true]);
  expect(await stateOf(order)).toBe("AUTHORISED");
});

test("a company that takes messages and never answers costs its own orders their deadline, and is hung up on", async () => {
  const asked = Promise.withResolvers<void>();
  const hungUp = Promise.withResolvers<void>();
  const company = createServer((request) => {
    asked.resolve();
    request.once("close", hungUp.resolve);
  }).listen(0, "127.0.0.1");
  await once(company, "listening");
  const provider = createHttpProvider({
    url: `http://127.0.0.1:${(company.address() as AddressInfo).port}`,
    secret: "a-secret-for-payments",
    clock: CLOCK,
  });
  const city = cityWith([provider], { authoriseMs: 1_500, releaseMs: DEADLINE_MS, settleMs: 100 });
  const orders = ["MOBILE_MONEY", "CASH_ON_DELIVERY"].map((method) => orderPaidBy(method));
  const answers = commit(null, { orders }, { city });
  await asked.promise;
  await vi.waitUntil(() => decisionOf(orders[1]!));
  expect(await decisionOf(orders[0]!)).toBeUndefined();
  expect(await answers).toMatchObject([
    { state: "DECLINED", declined: "NO_ANSWER" },
    { state: "COMMITTED", declined: null },
  ]);
  expect(await stateOf(orders[0]!)).toBe("VOIDING");
  await hungUp.promise;
  const [settler] = city.payments.settlers;
  expect(await settler!.settle()).toBe(true);
  expect(await stateOf(orders[0]!)).toBe("VOIDING");
  await provider.close();
  company.closeAllConnections();
  company.close();
});
