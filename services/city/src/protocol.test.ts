/**
 * The SQL of the commit protocol, message by message: repeated, late, early and broken ones. Every test ends
 * with the invariants. Cancellations, transfers and wallets have test files of their own.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  idOf,
  line,
  openProtocolDatabase,
  orderOf,
  type ProtocolDatabase,
  states,
} from "../test/protocol-database.ts";

const A = idOf("thies", 1);
const B = idOf("thies", 2);
const C = idOf("thies", 3);
const HOME = idOf("dakar", 1);
const HOME_2 = idOf("dakar", 2);

let city: ProtocolDatabase;
beforeAll(async () => {
  city = await openProtocolDatabase();
});
afterAll(() => city.close());
beforeEach(() => city.reset());
afterEach(() => city.expectSound());

const prepare = async (...entries: object[]) => states(await city.prepare(...entries));
const decide = async (transactionId: string, decision: string, lines: object[] = [], kind = "ORDER") =>
  states(await city.decide({ transactionId, kind, decision, lines }));
const commit = async (...entries: object[]) => states(await city.commitOrders(...entries));
const outcome = async (transactionId: string, cityId: string) =>
  states(await city.outcome({ transactionId, cityId }));
const level = (productId: string) => city.level(productId);
const order = orderOf;

describe("a participant", () => {
  test("sets stock aside, and gives it on COMMIT", async () => {
    expect(await prepare({ transactionId: A, lines: [line("101", 3), line("102", 2)] })).toEqual([
      "PREPARED",
    ]);
    expect(await level("101")).toEqual({ on_hand: 8, reserved: 3 });
    expect(await decide(A, "COMMITTED", [line("102", 2), line("101", 3)])).toEqual(["DONE"]);
    expect(await level("101")).toEqual({ on_hand: 5, reserved: 0 });
  });

  test("holds all lines or none", async () => {
    expect(await prepare({ transactionId: A, lines: [line("101", 3), line("102", 3)] })).toEqual(["REFUSED"]);
    expect(await level("101")).toEqual({ on_hand: 8, reserved: 0 });
  });

  test("judges each entry of a batch on its own, in order", async () => {
    const states = await prepare(
      { transactionId: A, lines: [line("101", 9)] },
      { transactionId: B, lines: [line("101", 8)] },
      { transactionId: C, lines: [line("101", 1)] },
    );
    expect(states).toEqual(["REFUSED", "PREPARED", "REFUSED"]);
  });

  test("does the same once when a message comes again", async () => {
    for (const _ of [1, 2])
      expect(await prepare({ transactionId: A, lines: [line("101", 3)] })).toEqual(["PREPARED"]);
    for (const _ of [1, 2]) expect(await decide(A, "COMMITTED", [line("101", 3)])).toEqual(["DONE"]);
    expect(await level("101")).toEqual({ on_hand: 5, reserved: 0 });
  });

  test("refuses a prepare that comes after its ABORT", async () => {
    expect(await decide(A, "ABORTED")).toEqual(["DONE"]);
    expect(await prepare({ transactionId: A, lines: [line("101", 3)] })).toEqual(["ABORTED"]);
    expect(await level("101")).toEqual({ on_hand: 8, reserved: 0 });
  });

  test("does not prepare a copy of what it has refused, even when stock is back", async () => {
    expect(await prepare({ transactionId: A, lines: [line("102", 3)] })).toEqual(["REFUSED"]);
    await city.db.exec("update stock set on_hand = 9 where product_id = '102'");
    await city.db.exec(
      "insert into stock_movement (product_id, reason, on_hand_change, reserved_change) values ('102', 'RESTOCKED', 7, 0)",
    );
    expect(await prepare({ transactionId: A, lines: [line("102", 3)] })).toEqual(["ABORTED"]);
  });

  test("releases on ABORT, once", async () => {
    await prepare({ transactionId: A, lines: [line("101", 3)] });
    for (const _ of [1, 2]) expect(await decide(A, "ABORTED")).toEqual(["DONE"]);
    expect(await level("101")).toEqual({ on_hand: 8, reserved: 0 });
  });

  test.each([
    ["a COMMIT of what was never prepared", [], ["COMMITTED"]],
    ["a COMMIT of other lines", [line("101", 3)], ["COMMITTED"]],
    ["a COMMIT after an ABORT", [line("101", 2)], ["ABORTED", "COMMITTED"]],
    ["an ABORT after a COMMIT", [line("101", 2)], ["COMMITTED", "ABORTED"]],
  ])("takes %s for a violation and changes nothing", async (_name, prepared, decisions) => {
    if (prepared.length > 0) await prepare({ transactionId: A, lines: prepared });
    for (const decision of decisions.slice(0, -1)) await decide(A, decision, [line("101", 2)]);
    const before = await level("101");
    expect(await decide(A, decisions.at(-1)!, [line("101", 2)])).toEqual(["VIOLATION"]);
    expect(await level("101")).toEqual(before);
  });

  test("takes a prepare of other lines under the same id for a violation", async () => {
    await prepare({ transactionId: A, lines: [line("101", 3)] });
    expect(await prepare({ transactionId: A, lines: [line("101", 4)] })).toEqual(["VIOLATION"]);
    expect(await level("101")).toEqual({ on_hand: 8, reserved: 3 });
  });
});

describe("a home", () => {
  test("commits, and repeats its answer", async () => {
    for (const _ of [1, 2]) expect(await commit(order(HOME))).toEqual(["COMMITTED"]);
    expect(await level("101")).toEqual({ on_hand: 5, reserved: 0 });
    expect(await outcome(HOME, "thies")).toEqual(["COMMITTED"]);
  });

  test("fences what is undecided: a commit that comes later is aborted", async () => {
    expect(await outcome(HOME, "thies")).toEqual(["ABORTED"]);
    expect(await commit(order(HOME))).toEqual(["ABORTED"]);
    expect(await level("101")).toEqual({ on_hand: 8, reserved: 0 });
  });

  test("answers a key that was used with the first order, and aborts the second transaction", async () => {
    await commit(order(HOME));
    expect(await commit(order(HOME_2))).toEqual(["REPLAYED"]);
    expect(await outcome(HOME_2, "thies")).toEqual(["ABORTED"]);
    expect((await city.db.query("select from orders")).rows).toHaveLength(1);
  });

  test("refuses a key that was used for another request, also within one batch", async () => {
    expect(await commit(order(HOME), order(HOME_2, { requestHash: "other" }))).toEqual([
      "COMMITTED",
      "KEY_REUSED",
    ]);
  });

  test("refuses what it has too little of, for good", async () => {
    const large = order(HOME, {
      lines: [{ productId: "101", quantity: 9, unitPrice: 1 }],
      allocations: [{ cityId: "dakar", productId: "101", quantity: 9 }],
    });
    expect(await commit(large)).toEqual(["REFUSED"]);
    expect(await outcome(HOME, "thies")).toEqual(["ABORTED"]);
    expect(await level("101")).toEqual({ on_hand: 8, reserved: 0 });
  });

  test("takes another message under a decided id for a violation", async () => {
    await commit(order(HOME));
    expect(await commit(order(HOME, { requestHash: "other" }))).toEqual(["VIOLATION"]);
  });

  test("refuses a client that it does not have", async () => {
    expect(await commit(order(HOME, { clientId: "dakar:77" }))).toEqual(["UNKNOWN_CLIENT"]);
  });
});

describe("the database itself", () => {
  test.each([
    [
      "a client of another city's town",
      "insert into client (id, name, email, town) values ('dakar:9', 'n', 'e@x', 'Thiès')",
      "client_town_of_city",
    ],
    [
      "a client with another city's id",
      "insert into client (id, name, email, town) values ('thies:2', 'n', 'e@x', 'DAKAR')",
      "client_id_of_city",
    ],
    [
      "more reserved than on hand",
      "update stock set reserved = 9 where product_id = '101'",
      "stock_reserved_within_on_hand",
    ],
    [
      "negative stock",
      "update stock set on_hand = -1 where product_id = '101'",
      "stock_reserved_within_on_hand",
    ],
  ])("refuses %s", async (_name, statement, constraint) => {
    await expect(city.db.exec(statement)).rejects.toMatchObject({ constraint });
  });

  test("refuses to change a movement or a decision", async () => {
    await commit(order(HOME));
    await expect(city.db.exec("update stock_movement set on_hand_change = 1")).rejects.toMatchObject({
      code: "23000",
    });
    await expect(city.db.exec("delete from transaction_decision")).rejects.toMatchObject({ code: "23000" });
  });

  test("refuses an order whose allocations do not add up to its lines", async () => {
    const short = order(HOME, { allocations: [{ cityId: "dakar", productId: "101", quantity: 3 }] });
    await expect(commit(short)).rejects.toMatchObject({ code: "23514" });
  });

  test("refuses to become another city's", async () => {
    await expect(
      city.db.exec("select set_fragment('thies', false, '{thies}', '{dakar}')"),
    ).rejects.toMatchObject({
      code: "22023",
    });
  });

  test("refuses a changed predicate that its clients break", async () => {
    await expect(
      city.db.exec("select set_fragment('dakar', false, '{rufisque}', '{thies}')"),
    ).rejects.toMatchObject({ code: "23514" });
  });
});
