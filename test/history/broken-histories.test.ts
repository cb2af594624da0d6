/**
 * Goal: the checker refuses every fault that a shop could have. Method: histories made by hand, each with one
 * fault.
 */
import { expect, test } from "vitest";
import { checkHistory, type ShopHistory } from "./check-history.ts";
import type { CityFacts, Movement, WalletEntry } from "./city-facts.ts";
import type { Operation, ShopAnswer, ShopRequest } from "./operations.ts";
import { findSerialOrder } from "./serial-order.ts";

/** [reason, on hand, reserved, transaction or key of a restock], in order, all of product 1. */
type MovementRow = [Movement["reason"], number, number, string?];

function city(cityId: string, rows: MovementRow[], more: Partial<CityFacts> = {}): CityFacts {
  const movements = rows.map(([reason, onHandChange, reservedChange, cause = null], index): Movement => {
    const isRestock = reason === "RESTOCKED";
    return {
      id: index + 1,
      productId: "1",
      reason,
      onHandChange,
      reservedChange,
      transactionId: isRestock ? null : cause,
      key: isRestock ? cause : null,
    };
  });
  const sum = (of: (movement: Movement) => number) => movements.reduce((total, each) => total + of(each), 0);
  const level = {
    productId: "1",
    onHand: sum((m) => m.onHandChange),
    reserved: sum((m) => m.reservedChange),
  };
  const none = { orders: [], allocations: [], transfers: [], walletEntries: [], wallets: [] };
  return { cityId, levels: movements.length > 0 ? [level] : [], movements, ...none, ...more };
}

function order(id: string, given: [cityId: string, quantity: number][], key = id, cancelledBy?: string) {
  return {
    orders: [{ id, clientId: "a:1", key, total: 100, payment: "CASH", cancelledBy: cancelledBy ?? null }],
    allocations: given.map(([cityId, quantity]) => ({ orderId: id, cityId, productId: "1", quantity })),
  };
}

function did(request: ShopRequest, answer: ShopAnswer, startMs: number, endMs: number): Operation {
  return { request, answer, startMs, endMs, tries: 1, wasUnclear: false };
}

const place = (key: string, quantity: number): ShopRequest => {
  const lines = [{ productId: "1", quantity }];
  return { kind: "place", clientId: "a:1", lines, payment: "CASH_ON_DELIVERY", key };
};
const happened = (id: string | null): ShopAnswer => ({ kind: "happened", id });
const violations = (cities: CityFacts[], operations: Operation[] = []) =>
  checkHistory({ cities, operations } satisfies ShopHistory).violations;

/** An order of Anse (a) that takes 2 of its own 10 and 3 of the 5 of Bou (b). */
const good = (): [CityFacts[], Operation[]] => [
  [
    city(
      "a",
      [
        ["RESTOCKED", 10, 0],
        ["SOLD", -2, 0, "a:x"],
      ],
      order("a:x", [
        ["a", 2],
        ["b", 3],
      ]),
    ),
    city("b", [
      ["RESTOCKED", 5, 0],
      ["RESERVED", 0, 3, "a:x"],
      ["CONFIRMED", -3, -3, "a:x"],
    ]),
  ],
  [
    did(place("a:x", 5), happened("a:x"), 10, 20),
    did({ kind: "readOrder", orderId: "a:x" }, { kind: "order", status: "PLACED" }, 30, 31),
    did(
      { kind: "readLevel", cityId: "b", productId: "1" },
      { kind: "level", onHand: 5, available: 2 },
      30,
      31,
    ),
  ],
];

test("a history without a fault is taken", () => {
  const [cities, operations] = good();
  expect(checkHistory({ cities, operations })).toEqual({ violations: [], commits: 3, reads: 2 });
});

test("a lost update: two restocks, and the level has only one of them", () => {
  const lost = city("a", [
    ["RESTOCKED", 10, 0],
    ["RESTOCKED", 7, 0],
  ]);
  lost.levels[0]!.onHand = 10;
  expect(violations([lost])).toEqual([
    "a: the movements of 1 do not add up to its level",
    "a has 10 of 1, one after the other it is 17",
  ]);
});

test("an oversell: two orders of the same last pieces", () => {
  const two = order("a:x", [["a", 4]]);
  const other = order("a:y", [["a", 4]]);
  const both = {
    orders: [...two.orders, ...other.orders],
    allocations: [...two.allocations, ...other.allocations],
  };
  const rows: MovementRow[] = [
    ["RESTOCKED", 5, 0],
    ["SOLD", -4, 0, "a:x"],
    ["SOLD", -4, 0, "a:y"],
  ];
  expect(violations([city("a", rows, both)])).toEqual(["a:y: the stock of a 1 falls to -3"]);
});

test("an order that only one of its cities knows", () => {
  const [[a, b], operations] = good();
  const without = {
    ...b!,
    movements: b!.movements.slice(0, 1),
    levels: [{ productId: "1", onHand: 5, reserved: 0 }],
  };
  expect(violations([a!, without], operations.slice(0, 1))).toEqual([
    "b has 5 of 1, one after the other it is 2",
  ]);
});

test("an order that was acknowledged and is not there", () => {
  const [cities] = good();
  expect(violations(cities, [did(place("gone", 1), happened("a:gone"), 1, 2)])).toEqual([
    expect.stringContaining("was answered with a:gone, which is not there"),
  ]);
});

test("an order that is not the one that was asked for", () => {
  const [cities] = good();
  const wrong = expect.stringContaining("was answered with {");
  expect(violations(cities, [did(place("a:x", 4), happened("a:x"), 1, 2)])).toEqual([wrong]);
  const other = { ...place("a:x", 5), clientId: "a:2" } as ShopRequest;
  expect(violations(cities, [did(other, happened("a:x"), 1, 2)])).toEqual([wrong]);
});

test("a key that placed two orders", () => {
  const first = order("a:x", [["a", 1]], "key");
  const second = order("a:y", [["a", 1]], "key");
  const both = {
    orders: [...first.orders, ...second.orders],
    allocations: [...first.allocations, ...second.allocations],
  };
  const rows: MovementRow[] = [
    ["RESTOCKED", 5, 0],
    ["SOLD", -1, 0, "a:x"],
    ["SOLD", -1, 0, "a:y"],
  ];
  expect(violations([city("a", rows, both)])).toEqual(["a:y: the key key of a:1 is used twice"]);
});

test("a key that added two deliveries, and a delivery that was acknowledged and is not there", () => {
  const request = { kind: "restock", cityId: "a", productId: "1", quantity: 5 } as const;
  const first = did({ ...request, key: "k" }, happened(null), 1, 2);
  const once: MovementRow = ["RESTOCKED", 5, 0, "k"];
  expect(violations([city("a", [once])], [first])).toEqual([]);
  expect(violations([city("a", [once, once])], [first])).toEqual([
    expect.stringContaining("the key k of a is used twice"),
  ]);
  const gone = did({ ...request, key: "gone" }, happened(null), 1, 2);
  expect(violations([city("a", [once])], [first, gone])).toEqual([
    expect.stringMatching(/"gone".* was answered with null, which is not there/),
  ]);
  const other = did({ ...request, quantity: 6, key: "k" }, happened(null), 1, 2);
  expect(violations([city("a", [once])], [other])).toEqual([
    expect.stringMatching(/"quantity":6.* was answered with .*"quantity":5/),
  ]);
});

test("a stale read: an order that was placed is not seen afterwards", () => {
  const [cities, [placed]] = good();
  const stale = did({ kind: "readOrder", orderId: "a:x" }, { kind: "order", status: null }, 21, 22);
  expect(violations(cities, [placed!, stale])).toEqual([
    expect.stringContaining("read null, where only PLACED was possible"),
  ]);
});

test("a stale read: a level without what was sold before the question", () => {
  const [cities, [placed]] = good();
  const read = { kind: "readLevel", cityId: "a", productId: "1" } as const;
  const stale = did(read, { kind: "level", onHand: 10, available: 10 }, 21, 22);
  expect(violations(cities, [placed!, stale])).toEqual([expect.stringContaining("which it never was")]);
  const early = did(read, { kind: "level", onHand: 8, available: 8 }, 5, 6);
  expect(violations(cities, [placed!, early])).toEqual([expect.stringContaining("which it never was")]);
  expect(violations(cities, [placed!, { ...early, endMs: 12 }])).toEqual([]);
});

test("a wallet that was charged without an order, and one that fell below zero", () => {
  const entry = (id: number, amount: number, reason: WalletEntry["reason"], transactionId: string | null) => {
    return { id, clientId: "a:1", amount, reason, transactionId, key: reason === "TOP_UP" ? `k${id}` : null };
  };
  const charged = city("a", [], {
    walletEntries: [entry(1, 100, "TOP_UP", null), entry(2, -60, "PURCHASE", "a:gone")],
    wallets: [{ clientId: "a:1", balance: 40 }],
  });
  expect(violations([charged])).toEqual(["the wallet of a:1 has 40, one after the other it is 100"]);

  const { orders, allocations } = order("a:x", []);
  const overdrawn = city("a", [], {
    orders: [{ ...orders[0]!, payment: "WALLET" }],
    allocations,
    walletEntries: [entry(1, -100, "PURCHASE", "a:x"), entry(2, 100, "TOP_UP", null)],
    wallets: [{ clientId: "a:1", balance: 0 }],
  });
  expect(violations([overdrawn])).toEqual(["a:x: the wallet of a:1 falls to -100"]);
});

test("a cancellation whose pieces came back in one city only", () => {
  const cancelled = order(
    "a:x",
    [
      ["a", 2],
      ["b", 3],
    ],
    "key",
    "a:c",
  );
  const home = city(
    "a",
    [
      ["RESTOCKED", 10, 0],
      ["SOLD", -2, 0, "a:x"],
      ["RETURNED", 2, 0, "a:c"],
    ],
    cancelled,
  );
  const other: MovementRow[] = [
    ["RESTOCKED", 5, 0],
    ["RESERVED", 0, 3, "a:x"],
    ["CONFIRMED", -3, -3, "a:x"],
  ];
  expect(violations([home, city("b", other)])).toEqual(["b has 2 of 1, one after the other it is 5"]);
  // A piece may be returned before its giving is confirmed: the two commute.
  const early: MovementRow[] = [
    ...other.slice(0, 2),
    ["RETURNED", 3, 0, "a:c"],
    ["CONFIRMED", -3, -3, "a:x"],
  ];
  expect(violations([home, city("b", early)])).toEqual([]);
});

test("two cities that saw two orders the other way round", () => {
  const point = (id: string, at: number) => ({ id, first: at, last: at });
  const clocks = [
    { name: "stock of 1 in a", intervals: [point("x", 1), point("y", 2)] },
    { name: "stock of 1 in b", intervals: [point("y", 1), point("x", 2)] },
  ];
  expect(findSerialOrder(["x", "y"], clocks)).toEqual({
    kind: "cycle",
    steps: expect.arrayContaining(["x", "y", "stock of 1 in a @ 1", "stock of 1 in b @ 1"]),
  });
  // A reservation has no fixed place in the order: its commit point may be anywhere between prepare and
  // confirmation, so either commit may have been first.
  const open = { name: "stock of 1 in b", intervals: [{ id: "x", first: 0, last: 3 }, point("y", 1)] };
  expect(findSerialOrder(["y", "x"], [clocks[0]!, open])).toEqual({ kind: "order", ids: ["x", "y"] });
});

test("an answer that came before what it depends on was asked for", () => {
  const [cities] = good();
  cities[0]!.movements[0]!.key = "k";
  const restock: ShopRequest = { kind: "restock", cityId: "a", productId: "1", quantity: 10, key: "k" };
  const early = did(restock, happened(null), 50, 60);
  const placed = did(place("a:x", 5), happened("a:x"), 10, 20);
  expect(violations(cities, [placed, early])).toEqual([
    expect.stringContaining("no order of commit points fits"),
  ]);
});
