/**
 * Goal: the graph shows a transaction of each kind, its progress, and why it was aborted. Method: the whole
 * graph, with a clock that stands still.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { setClock } from "../services/city/test/set-clock.ts";
import { type Graph, startGraph } from "./harness/graph.ts";
import { createTransactionIds, sendMessage } from "./harness/messages.ts";

const BEGIN_MS = Date.UTC(2026, 0, 31, 12);
/** The cities' clock; it stands still unless a test moves it. */
let nowMs = BEGIN_MS;
const at = (seconds: number) => new Date(BEGIN_MS + seconds * 1_000).toISOString();

let graph: Graph;
beforeAll(async () => {
  // Recovery is off, because it would finish the transactions under test and add its own statements.
  const clock = setClock(() => nowMs);
  graph = await startGraph({ recoveryIntervalMs: 3_600_000, clock });
});
afterAll(() => graph.close());
beforeEach(() => {
  nowMs = BEGIN_MS;
  graph.forget();
});

/** Asks, expecting no error. */
const ask = async (query: string, variables?: Record<string, unknown>) => {
  const { data, errors } = await graph.query(query, variables);
  expect(errors).toBeUndefined();
  return data;
};
const newId = createTransactionIds(BEGIN_MS);

const place = async (clientId: string, lines: [productId: string, quantity: number][]): Promise<string> => {
  const input = { clientId, lines: lines.map(([productId, quantity]) => ({ productId, quantity })) };
  const { placeOrder } = await ask(
    "mutation ($input: PlaceOrderInput!) { placeOrder(input: $input) { ... on OrderPlaced { order { id } } } }",
    { input },
  );
  return placeOrder.order.id;
};
const cancel = async (orderId: string): Promise<string> => {
  const { cancelOrder } = await ask(
    "mutation ($input: CancelOrderInput!) { cancelOrder(input: $input) { ... on OrderCancelled { transaction { id } } } }",
    { input: { orderId } },
  );
  return cancelOrder.transaction.id;
};
const transfer = async (fromCityId: string, toCityId: string): Promise<string> => {
  const { transferStock } = await ask(
    "mutation ($input: TransferStockInput!) { transferStock(input: $input) { ... on StockTransferred { transaction { id } } } }",
    { input: { productId: "102", fromCityId, toCityId, quantity: 2 } },
  );
  return transferStock.transaction.id;
};

const WHOLE = `kind state abortReason home { id } order { id } begunAt decidedAt finishedAt
  transfer { product { name } quantity from { name } to { name } }
  participants { city { name } state lines { product { name } quantity } attempts acknowledgedAt }`;
const whole = async (id: string) =>
  (await ask(`query ($id: ID!) { transaction(id: $id) { ${WHOLE} } }`, { id })).transaction;
const begunAt = (id: string) =>
  new Date(Number.parseInt(id.split(":")[1]!.replace("-", "").slice(0, 12), 16)).toISOString();

describe("a transaction", () => {
  test("that is an order of two cities is finished when the other one has acknowledged", async () => {
    const startedMs = Date.now();
    // Thiès has 5.
    const id = await place("thies:2", [["101", 6]]);
    const participant = {
      city: { name: "Dakar" },
      state: "UNACKNOWLEDGED",
      lines: [{ product: { name: "Ordinateur HP" }, quantity: 1 }],
      attempts: 0,
      acknowledgedAt: null,
    };
    const order = {
      kind: "ORDER",
      state: "COMMITTED",
      abortReason: null,
      home: { id: "thies" },
      order: { id },
      transfer: null,
      begunAt: begunAt(id),
      decidedAt: at(0),
      finishedAt: null,
      participants: [participant],
    };
    expect(await whole(id)).toEqual(order);
    // This time is from the orchestrator's clock, which differs from the cities' here.
    expect(Date.parse(order.begunAt)).toBeGreaterThanOrEqual(startedMs);
    const health = async () =>
      (await ask('{ city(id: "thies") { health { unacknowledged oldestUnacknowledgedAt } } }')).city.health;
    expect(await health()).toEqual({ unacknowledged: 1, oldestUnacknowledgedAt: at(0) });

    await graph.sql("thies")`update decision_participant set acknowledged_at = ${at(7)}, attempts = 2`;
    expect(await whole(id)).toEqual({
      ...order,
      finishedAt: at(7),
      participants: [{ ...participant, state: "ACKNOWLEDGED", attempts: 2, acknowledgedAt: at(7) }],
    });
    expect(await health()).toEqual({ unacknowledged: 0, oldestUnacknowledgedAt: null });
  });

  test("that nobody else takes part in is finished when it is decided", async () => {
    const id = await place("dakar:1", [["102", 1]]);
    expect(await whole(id)).toMatchObject({ participants: [], decidedAt: at(0), finishedAt: at(0) });
  });

  test("that cancels an order leads to the order, and to who gets what back", async () => {
    const orderId = await place("saint-louis:3", [["104", 4]]);
    nowMs += 60_000;
    const id = await cancel(orderId);
    expect(await whole(id)).toMatchObject({
      kind: "CANCELLATION",
      home: { id: "saint-louis" },
      order: { id: orderId },
      transfer: null,
      decidedAt: at(60),
      participants: [{ lines: [{ product: { name: "Tablette iPad" }, quantity: 1 }] }],
    });
    expect(await whole(orderId)).toMatchObject({ kind: "ORDER", order: { id: orderId } });
  });

  test("that moves stock says what, and between which cities", async () => {
    expect(await whole(await transfer("dakar", "autres"))).toMatchObject({
      kind: "TRANSFER",
      home: { id: "autres" },
      order: null,
      transfer: {
        product: { name: "Smartphone Samsung" },
        quantity: 2,
        from: { name: "Dakar" },
        to: { name: "Autres" },
      },
      participants: [
        { city: { name: "Dakar" }, lines: [{ product: { name: "Smartphone Samsung" }, quantity: 2 }] },
      ],
    });
  });

  test("that was aborted says why", async () => {
    const orderId = await place("dakar:1", [["103", 1]]);
    await cancel(orderId);
    let key = 0;
    const order = (changes: object = {}) => ({
      transactionId: newId("dakar"),
      clientId: "dakar:1",
      idempotencyKey: `key ${key++}`,
      requestHash: "hash",
      paymentMethod: "CASH_ON_DELIVERY",
      lines: [{ productId: "103", quantity: 1, unitPrice: 5 }],
      allocations: [{ productId: "103", quantity: 1, cityId: "dakar" }],
      ...changes,
    });
    const much = {
      lines: [{ productId: "103", quantity: 9_000, unitPrice: 5 }],
      allocations: [{ productId: "103", quantity: 9_000, cityId: "dakar" }],
    };
    const orders = [
      order({ idempotencyKey: "used" }),
      order({ idempotencyKey: "used" }),
      order({ idempotencyKey: "used", requestHash: "another" }),
      order(much),
      order({ clientId: "dakar:4", paymentMethod: "WALLET" }),
      order({ clientId: "dakar:999" }),
    ];
    const cancellation = (cancelled: string) => ({
      transactionId: newId("dakar"),
      orderId: cancelled,
      idempotencyKey: `key ${key++}`,
      requestHash: "hash",
    });
    const cancellations = [cancellation(newId("dakar")), cancellation(orderId)];
    const fenced = { transactionId: newId("dakar"), cityId: "thies" };
    await sendMessage(graph, "dakar", "commitOrders", orders);
    await sendMessage(graph, "dakar", "commitCancellations", cancellations);
    await sendMessage(graph, "dakar", "outcome", [fenced]);
    const full = {
      transactionId: newId("dakar"),
      productId: "103",
      fromCityId: "thies",
      quantity: 1_000_000_001,
      idempotencyKey: `key ${key++}`,
      requestHash: "hash",
    };
    await sendMessage(graph, "dakar", "commitTransfers", [full]);

    const reasons = [];
    for (const { transactionId } of [...orders, ...cancellations, fenced, full]) {
      const { kind, state, abortReason, order: placed, finishedAt, decidedAt } = await whole(transactionId);
      expect(finishedAt).toBe(decidedAt);
      expect(placed === null).toBe(state === "ABORTED");
      reasons.push([kind, state, abortReason]);
    }
    expect(reasons).toEqual([
      ["ORDER", "COMMITTED", null],
      ["ORDER", "ABORTED", "KEY_USED"],
      ["ORDER", "ABORTED", "KEY_USED"],
      ["ORDER", "ABORTED", "OUT_OF_STOCK"],
      ["ORDER", "ABORTED", "PAYMENT_DECLINED"],
      ["ORDER", "ABORTED", "NOT_FOUND"],
      ["CANCELLATION", "ABORTED", "NOT_FOUND"],
      ["CANCELLATION", "ABORTED", "ALREADY_CANCELLED"],
      [null, "ABORTED", "FENCED"],
      ["TRANSFER", "ABORTED", "NO_ROOM"],
    ]);
  });

  test("that would fill a warehouse is refused with what there is room for, and what was ordered there can come back", async () => {
    const orderId = await place("dakar:1", [["101", 1]]);
    await graph.sql("dakar")`update stock set on_hand = 999999999 where product_id = '101'`;
    await graph.sql("thies")`update stock set on_hand = on_hand + 2 where product_id = '101'`;
    const { transferStock } = await ask(
      `mutation { transferStock(input: { productId: "101", fromCityId: "thies", toCityId: "dakar", quantity: 2 }) {
        __typename ... on NoRoom { message city { name } product { id } room } } }`,
    );
    expect(transferStock).toEqual({
      __typename: "NoRoom",
      message: "The receiving city has no room for so many pieces. Nothing was changed.",
      city: { name: "Dakar" },
      product: { id: "101" },
      room: 1,
    });
    expect(await whole(await cancel(orderId))).toMatchObject({ state: "COMMITTED" });
  });
});

/** The tables that each statement reads; they name the batch. */
const read = (city: string) =>
  graph.statements[city]!.map((text) => text.match(/(?:from|join) (?!unnest|lateral)(\w+)/)![1]).sort();

describe("no N+1", () => {
  test("a page of transactions costs the same statements for one as for twenty", async () => {
    for (let n = 0; n < 7; n++) {
      const orderId = await place("autres:5", [["105", 8]]);
      await transfer("dakar", "autres");
      await cancel(orderId);
    }
    const list = async (first: number) => {
      graph.forget();
      const { city } = await ask(
        `query ($first: Int!) { city(id: "autres") { transactions(first: $first, role: HOME) { totalCount edges { node {
          lines { quantity } transaction { ${WHOLE} order { status payment { state } cancellation { state } } }
        } } } } }`,
        { first },
      );
      expect(city.transactions.edges).toHaveLength(first);
      const { transaction } = city.transactions.edges[0].node;
      expect(transaction.participants.length).toBeGreaterThan(0);
      return read("autres");
    };
    // The page and its length, the decisions, their participants, their orders, cancellations and transfers,
    // and the payments. A decision is read three times: for its existence, for its content, and for an
    // order's cancellation.
    const all = [
      "decision_participant",
      "orders",
      "payment",
      "stock_transfer",
      "transaction_decision",
      "transaction_decision",
      "transaction_decision",
    ];
    for (const first of [1, 20]) expect(await list(first)).toEqual(all);
  });

  test("a page of wallets costs the same statements for one client as for twenty", async () => {
    for (const first of [1, 11]) {
      graph.forget();
      const { city } = await ask(`{ city(id: "dakar") { clients(first: ${first}) { edges { node {
        wallet { balance entries(first: 3) { totalCount edges { node { amount transaction { state } } } } }
      } } } } }`);
      expect(city.clients.edges).toHaveLength(first);
      expect(read("dakar")).toEqual(["client", "ledger_entry", "ledger_entry", "wallet"]);
    }
  });
});
