/**
 * Goal: wallets and mobile money work through the whole graph. A top-up counts once, and every change is an
 * entry with its reason. The mobile-money company takes what placed orders cost; otherwise the client is told
 * why it did not. Method: the whole graph, asked through the gateway.
 */
import { phoneOf } from "@teranga/city/payments/test-city.ts";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { type Graph, startGraph } from "./harness/graph.ts";
import { expectInvariants, untilAtRest } from "./harness/invariants.ts";
import { FaultyCompany } from "./payments/faulty-company.ts";

let graph: Graph;
let company: FaultyCompany;
beforeAll(async () => {
  company = await FaultyCompany.open();
  graph = await startGraph({ paymentProviders: [company.provider()] });
});
afterAll(async () => {
  await untilAtRest(graph);
  await expectInvariants(graph);
  await graph.close();
  await company.close();
});

/** Asks, expecting no error. */
const ask = async (query: string, variables?: Record<string, unknown>) => {
  const { data, errors } = await graph.query(query, variables);
  expect(errors).toBeUndefined();
  return data;
};

const TOP_UP = `mutation ($input: TopUpWalletInput!) { topUpWallet(input: $input) {
  __typename
  ... on WalletToppedUp { wallet { balance currency } entry { id reason amount at transaction { id } } }
  ... on WalletLimitExceeded { limit balance }
  ... on TopUpKeyReused { entry { id amount } }
  ... on UnknownClient { clientId }
} }`;
const topUp = async (clientId: string, amount: number, idempotencyKey?: string | null) =>
  (await ask(TOP_UP, { input: { clientId, amount, idempotencyKey } })).topUpWallet;

interface Entries {
  totalCount: number;
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
  edges: { node: { id: string; reason: string; amount: number; transaction: object | null } }[];
}
const wallet = async (id: string, first = 20, after: string | null = null) =>
  (
    await ask(
      `query ($id: ID!, $first: Int, $after: String) { client(id: $id) { wallet { id balance currency
        entries(first: $first, after: $after) { totalCount pageInfo { hasNextPage endCursor } edges { node {
          id reason amount transaction { kind state order { id } }
        } } }
      } } }`,
      { id, first, after },
    )
  ).client.wallet as { balance: number; currency: string; entries: Entries };
const amounts = ({ edges }: Entries) => edges.map(({ node }) => node.amount);

describe("a wallet", () => {
  test("that nobody has put anything into is an empty one", async () => {
    expect(await wallet("dakar:4")).toMatchObject({
      id: "dakar:4",
      balance: 0,
      currency: "XOF",
      entries: { totalCount: 0, edges: [], pageInfo: { hasNextPage: false, endCursor: null } },
    });
  });

  test("of the sample has its money from a top-up", async () => {
    const { balance, entries } = await wallet("thies:2");
    expect(balance).toBe(1_000_000);
    expect(entries.edges.map(({ node }) => node)).toEqual([
      { id: expect.any(String), reason: "TOP_UP", amount: 1_000_000, transaction: null },
    ]);
  });

  test("is paged newest first, and its entries add up to it", async () => {
    for (const amount of [1, 2, 3, 4, 5]) await topUp("dakar:8", amount);
    const seen: number[] = [];
    let after: string | null = null;
    for (let page = 0; page < 3; page++) {
      const { balance, entries } = await wallet("dakar:8", 2, after);
      expect([balance, entries.totalCount, entries.pageInfo.hasNextPage]).toEqual([15, 5, page < 2]);
      seen.push(...amounts(entries));
      after = entries.pageInfo.endCursor;
    }
    expect(seen).toEqual([5, 4, 3, 2, 1]);
  });
});

describe("a top-up", () => {
  test("says what the wallet holds then, and which entry put it there", async () => {
    const before = Date.now();
    const { __typename, wallet: after, entry } = await topUp("dakar:11", 2_500);
    expect({ __typename, ...after }).toEqual({
      __typename: "WalletToppedUp",
      balance: 2_500,
      currency: "XOF",
    });
    expect(entry).toMatchObject({ reason: "TOP_UP", amount: 2_500, transaction: null });
    expect(Date.parse(entry.at)).toBeGreaterThanOrEqual(before);
  });

  test("that comes again with its key is the same one", async () => {
    const first = await topUp("dakar:16", 700, "monday");
    expect(await topUp("dakar:16", 700, "monday")).toEqual(first);
    expect((await wallet("dakar:16")).balance).toBe(700);
    // A key belongs to one client.
    expect((await topUp("thies:6", 50, "monday")).wallet.balance).toBe(50);
  });

  test("of another amount with the key is refused, and shows what the key stands for", async () => {
    const { entry } = await topUp("autres:7", 700, "monday");
    expect(await topUp("autres:7", 701, "monday")).toEqual({
      __typename: "TopUpKeyReused",
      entry: { id: entry.id, amount: 700 },
    });
    expect((await wallet("autres:7")).balance).toBe(700);
  });

  test("without a key is one of its own each time", async () => {
    for (const key of [undefined, null]) await topUp("autres:10", 20, key);
    expect(amounts((await wallet("autres:10")).entries)).toEqual([20, 20]);
  });

  test("that would fill the wallet beyond its limit changes nothing", async () => {
    await graph.sql("saint-louis")`
      select top_up_wallet('saint-louis:9', ${1_000_000_000 - 10}, 'much', ${1_000_000_000}, now())`;
    expect(await topUp("saint-louis:9", 11, "more")).toEqual({
      __typename: "WalletLimitExceeded",
      limit: 1_000_000_000,
      balance: 1_000_000_000 - 10,
    });
    // The refusal did not use up the key.
    expect(await topUp("saint-louis:9", 10, "more")).toMatchObject({ wallet: { balance: 1_000_000_000 } });
  });

  test("of nobody is a typed result", async () => {
    for (const clientId of ["dakar:999", "thies:1", "Dakar"])
      expect(await topUp(clientId, 5)).toEqual({ __typename: "UnknownClient", clientId });
  });

  test("sent forty times at once with one key is there once", async () => {
    const results = await Promise.all(Array.from({ length: 40 }, () => topUp("thies:34", 1_000, "burst")));
    expect(new Set(results.map(({ __typename }) => __typename))).toEqual(new Set(["WalletToppedUp"]));
    expect(new Set(results.map(({ entry }) => entry.id)).size).toBe(1);
    const { balance, entries } = await wallet("thies:34");
    expect([balance, entries.totalCount]).toEqual([1_000, 1]);
  });

  test("is not lost among forty others of the same wallet", async () => {
    await Promise.all(Array.from({ length: 40 }, (_, n) => topUp("saint-louis:15", n + 1, `key ${n}`)));
    const { balance, entries } = await wallet("saint-louis:15", 100);
    expect([balance, entries.totalCount]).toEqual([820, 40]);
    expect(amounts(entries).reduce((sum, amount) => sum + amount)).toBe(820);
  });
});

describe("an order", () => {
  const place = async (clientId: string, payment: string) =>
    (
      await ask(
        `mutation ($input: PlaceOrderInput!) { placeOrder(input: $input) {
          ... on OrderPlaced { order { id total status cancelledAt cancellation { id } payment { method amount state } } }
        } }`,
        { input: { clientId, lines: [{ productId: "108", quantity: 1 }], payment } },
      )
    ).placeOrder.order;
  const cancel = async (orderId: string) =>
    (
      await ask(
        `mutation ($input: CancelOrderInput!) { cancelOrder(input: $input) {
          ... on OrderCancelled { order { status cancelledAt cancellation { id kind order { id } } payment { state } } }
        } }`,
        { input: { orderId } },
      )
    ).cancelOrder.order;

  test("paid from the wallet takes from it, and cancelled gives back", async () => {
    const order = await place("dakar:1", "WALLET");
    expect(order).toMatchObject({
      status: "PLACED",
      cancelledAt: null,
      cancellation: null,
      payment: { method: "WALLET", amount: order.total, state: "CAPTURED" },
    });
    expect((await wallet("dakar:1")).balance).toBe(2_000_000 - order.total);

    const cancelled = await cancel(order.id);
    expect(cancelled).toMatchObject({
      status: "CANCELLED",
      cancelledAt: expect.any(String),
      cancellation: { kind: "CANCELLATION", order: { id: order.id } },
      payment: { state: "REFUNDED" },
    });
    expect(cancelled.cancellation.id).not.toBe(order.id);

    const { balance, entries } = await wallet("dakar:1");
    expect(balance).toBe(2_000_000);
    const of = { state: "COMMITTED", order: { id: order.id } };
    expect(entries.edges.map(({ node: { id: _id, ...node } }) => node)).toEqual([
      { reason: "REFUND", amount: order.total, transaction: { kind: "CANCELLATION", ...of } },
      { reason: "PURCHASE", amount: -order.total, transaction: { kind: "ORDER", ...of } },
      { reason: "TOP_UP", amount: 2_000_000, transaction: null },
    ]);
  });

  test("to be paid on delivery leaves the wallet alone", async () => {
    const order = await place("saint-louis:3", "CASH_ON_DELIVERY");
    expect(order.payment).toEqual({ method: "CASH_ON_DELIVERY", amount: order.total, state: "DUE" });
    expect((await cancel(order.id)).payment).toEqual({ state: "VOIDED" });
    expect((await wallet("saint-louis:3")).entries.totalCount).toBe(1);
  });
});

describe("an order by mobile money", () => {
  const CLIENT = "dakar:1";
  const order = async (quantity: number, idempotencyKey?: string) =>
    (
      await ask(
        `mutation ($input: PlaceOrderInput!) { placeOrder(input: $input) {
          ... on OrderPlaced { order { id total payment { method amount } } }
          ... on PaymentDeclined { message method reason total balance }
        } }`,
        {
          input: {
            clientId: CLIENT,
            lines: [{ productId: "110", quantity }],
            payment: "MOBILE_MONEY",
            ...(idempotencyKey !== undefined && { idempotencyKey }),
          },
        },
      )
    ).placeOrder;
  const declined = (total: number, reason: string, words: string) => ({
    message: `${words} Nothing was changed.`,
    method: "MOBILE_MONEY",
    reason,
    total,
    balance: null,
  });
  const STATE = `query ($id: ID!) { order(id: $id) { payment { state } } }`;
  const untilState = (id: string, state: string) =>
    vi.waitFor(async () => expect((await ask(STATE, { id })).order.payment.state).toBe(state), 10_000);
  afterEach(() => company.heal());

  test("is one of the ways of paying", async () => {
    const { city } = await ask(`{ city(id: "dakar") { paymentMethods } }`);
    expect(city.paymentMethods).toEqual(["CASH_ON_DELIVERY", "WALLET", "MOBILE_MONEY"]);
  });

  test("needs the client's telephone number", async () => {
    expect(await order(1)).toEqual(
      declined(40_000, "NO_PHONE", "The client has no telephone number to pay by."),
    );
    expect(company.received).toEqual([]);
  });

  test("of more than the client's city has is paid once, captured, and given back when it is cancelled", async () => {
    const phone = phoneOf(CLIENT);
    await ask(`mutation ($input: UpdateClientInput!) { updateClient(input: $input) { __typename } }`, {
      input: { id: CLIENT, phone },
    });
    company.giveMoney(CLIENT, 1_000_000);
    const placed = await order(12, "mobile");
    expect(placed.order).toMatchObject({
      total: 480_000,
      payment: { method: "MOBILE_MONEY", amount: 480_000 },
    });
    expect(await order(12, "mobile")).toEqual(placed);
    await untilState(placed.order.id, "CAPTURED");
    expect(company.moneyOf(CLIENT)).toEqual({ free: 520_000, held: 0, taken: 480_000 });
    await ask(`mutation ($input: CancelOrderInput!) { cancelOrder(input: $input) { __typename } }`, {
      input: { orderId: placed.order.id },
    });
    await untilState(placed.order.id, "REFUNDED");
    expect(company.moneyOf(CLIENT)).toEqual({ free: 1_000_000, held: 0, taken: 0 });
  });

  test("that the company refuses, or does not answer, is declined, and nothing is kept", async () => {
    expect(await order(26)).toEqual(
      declined(1_040_000, "REFUSED", "The payment provider refuses to pay for the order."),
    );
    company.break({ losesAnswer: () => true });
    expect(await order(1)).toEqual(
      declined(40_000, "NO_ANSWER", "The payment provider did not answer in time."),
    );
    company.heal();
    const money = { free: 1_000_000, held: 0, taken: 0 };
    await vi.waitFor(() => expect(company.moneyOf(CLIENT)).toEqual(money), 10_000);
  });
});
