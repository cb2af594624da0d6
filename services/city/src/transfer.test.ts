/** Transfers of stock in SQL, at the receiving city (Dakar, the home) and at the giving city (Thiès). */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  cancellationOf,
  idOf,
  line,
  openProtocolDatabase,
  orderOf,
  type ProtocolDatabase,
  states,
  transferOf,
} from "../test/protocol-database.ts";

const TRANSFER = idOf("dakar", 1);
const AGAIN = idOf("dakar", 2);
const MOVED = [line("101", 4)];

let dakar: ProtocolDatabase;
let thies: ProtocolDatabase;
beforeAll(async () => {
  [dakar, thies] = await Promise.all([openProtocolDatabase("dakar"), openProtocolDatabase("thies")]);
});
afterAll(() => {
  for (const city of [dakar, thies]) city.close();
});
beforeEach(() => Promise.all([dakar.reset(), thies.reset()]));
afterEach(async () => {
  await dakar.expectSound();
  await thies.expectSound();
});

const commit = async (...entries: object[]) => states(await dakar.commitTransfers(...entries));
const outcomeOf = async (transactionId: string) =>
  (await dakar.outcome({ transactionId, cityId: "thies" }))[0];

describe("at the city that receives, a transfer", () => {
  test("adds its pieces at the commit point, and records who gives them", async () => {
    expect(await dakar.commitTransfers(transferOf(TRANSFER))).toEqual([
      { transactionId: TRANSFER, state: "COMMITTED", committedId: TRANSFER },
    ]);
    expect(await dakar.level("101")).toEqual({ on_hand: 12, reserved: 0 });
    expect(await outcomeOf(TRANSFER)).toEqual({ transactionId: TRANSFER, state: "COMMITTED", lines: MOVED });
    expect(await dakar.rows("select city_id, lines, acknowledged_at from decision_participant")).toEqual([
      { city_id: "thies", lines: MOVED, acknowledged_at: null },
    ]);
  });

  test("that comes twice is done once and answered alike", async () => {
    const first = await dakar.commitTransfers(transferOf(TRANSFER));
    expect(await dakar.commitTransfers(transferOf(TRANSFER))).toEqual(first);
    expect(await dakar.level("101")).toEqual({ on_hand: 12, reserved: 0 });
  });

  test("under a new id with the same key is a replay; another request with it is refused", async () => {
    const other = transferOf(idOf("dakar", 3), { quantity: 1, requestHash: "other" });
    const answers = await dakar.commitTransfers(transferOf(TRANSFER), transferOf(AGAIN), other);
    expect(answers).toMatchObject([
      { state: "COMMITTED", committedId: TRANSFER },
      { state: "REPLAYED", committedId: TRANSFER },
      { state: "KEY_REUSED", committedId: TRANSFER },
    ]);
    expect(await outcomeOf(AGAIN)).toEqual({ transactionId: AGAIN, state: "ABORTED", lines: [] });
    expect(await dakar.level("101")).toEqual({ on_hand: 12, reserved: 0 });
  });

  test("does not share its key with any client's order or cancellation", async () => {
    const order = orderOf(idOf("dakar", 8), { idempotencyKey: "key", requestHash: "one hash" });
    const cancellation = cancellationOf(idOf("dakar", 9), order.transactionId, { requestHash: "one hash" });
    expect(states(await dakar.commitOrders(order))).toEqual(["COMMITTED"]);
    expect(states(await dakar.commitCancellations(cancellation))).toEqual(["COMMITTED"]);
    expect(await commit(transferOf(TRANSFER, { requestHash: "one hash" }))).toEqual(["COMMITTED"]);
    expect(await commit(transferOf(AGAIN, { requestHash: "one hash" }))).toEqual(["REPLAYED"]);
  });

  test("of a product that the city never had makes its place in the warehouse", async () => {
    expect(await commit(transferOf(TRANSFER, { productId: "900" }))).toEqual(["COMMITTED"]);
    expect(await dakar.rows("select warehouse, on_hand from stock where product_id = '900'")).toEqual([
      { warehouse: "Warehouse", on_hand: 4 },
    ]);
  });

  test("that does not happen makes no place for a product that the city never had", async () => {
    await outcomeOf(AGAIN);
    await commit(transferOf(TRANSFER));
    const refused = [
      transferOf(AGAIN, { productId: "900" }),
      transferOf(TRANSFER, { productId: "900" }),
      transferOf(idOf("dakar", 3), { productId: "900", requestHash: "other" }),
    ];
    for (const transfer of refused) expect(await commit(transfer)).not.toEqual(["COMMITTED"]);
    expect(await dakar.level("900")).toBeUndefined();
  });

  test("of one product, several in a batch, add up", async () => {
    const fifth = (number: number) =>
      transferOf(idOf("dakar", number), { productId: "900", idempotencyKey: `key ${number}` });
    expect(await commit(fifth(5), fifth(4), fifth(6))).toEqual(["COMMITTED", "COMMITTED", "COMMITTED"]);
    expect(await dakar.level("900")).toEqual({ on_hand: 12, reserved: 0 });
  });

  test("that comes after its fence is aborted, and adds nothing", async () => {
    expect(await outcomeOf(TRANSFER)).toMatchObject({ state: "ABORTED" });
    expect(await commit(transferOf(TRANSFER))).toEqual(["ABORTED"]);
    expect(await dakar.level("101")).toEqual({ on_hand: 8, reserved: 0 });
    expect(await commit(transferOf(AGAIN))).toEqual(["COMMITTED"]);
  });

  test.each<[string, object]>([
    ["of another product", { productId: "102" }],
    ["of more", { quantity: 5 }],
    ["from elsewhere", { fromCityId: "autres" }],
  ])("under a decided id but %s is a violation", async (_name, changes) => {
    await commit(transferOf(TRANSFER));
    expect(await commit(transferOf(TRANSFER, changes))).toEqual(["VIOLATION"]);
    expect(await dakar.level("101")).toEqual({ on_hand: 12, reserved: 0 });
    expect(await dakar.level("102")).toEqual({ on_hand: 2, reserved: 0 });
  });

  test("makes pieces that an order may have in the same instant", async () => {
    await commit(transferOf(TRANSFER));
    const all = orderOf(AGAIN, {
      lines: [{ productId: "101", quantity: 12, unitPrice: 1 }],
      allocations: [{ cityId: "dakar", productId: "101", quantity: 12 }],
    });
    expect(states(await dakar.commitOrders(all))).toEqual(["COMMITTED"]);
  });
});

describe("at the city that gives, a transfer", () => {
  const prepare = async (changes: object = {}) =>
    states(await thies.prepare({ transactionId: TRANSFER, kind: "TRANSFER", lines: MOVED, ...changes }));
  const decide = async (decision: string, changes: object = {}) =>
    states(
      await thies.decide({ transactionId: TRANSFER, kind: "TRANSFER", decision, lines: MOVED, ...changes }),
    );

  test("sets aside and gives", async () => {
    expect(await prepare()).toEqual(["PREPARED"]);
    expect(await thies.level("101")).toEqual({ on_hand: 8, reserved: 4 });
    for (const _ of [1, 2]) expect(await decide("COMMITTED")).toEqual(["DONE"]);
    expect(await thies.level("101")).toEqual({ on_hand: 4, reserved: 0 });
  });

  test("of more than there is, or of an unknown product, is refused with what there is", async () => {
    const wanted = [line("101", 9), line("999", 1)];
    expect(await thies.prepare({ transactionId: TRANSFER, kind: "TRANSFER", lines: wanted })).toEqual([
      {
        transactionId: TRANSFER,
        state: "REFUSED",
        shortages: [
          { productId: "101", requested: 9, available: 8 },
          { productId: "999", requested: 1, available: 0 },
        ],
      },
    ]);
  });

  test("that was aborted releases, and cannot be prepared again", async () => {
    await prepare();
    for (const _ of [1, 2]) expect(await decide("ABORTED")).toEqual(["DONE"]);
    expect(await thies.level("101")).toEqual({ on_hand: 8, reserved: 0 });
    expect(await prepare()).toEqual(["ABORTED"]);
  });

  test.each<[string, object]>([
    ["of more", { lines: [line("101", 5)] }],
    ["as an order", { kind: "ORDER" }],
    ["as a cancellation", { kind: "CANCELLATION" }],
  ])("that is confirmed %s is a violation", async (_name, changes) => {
    await prepare();
    expect(await decide("COMMITTED", changes)).toEqual(["VIOLATION"]);
    expect(await thies.level("101")).toEqual({ on_hand: 8, reserved: 4 });
  });

  test("that is prepared again as an order is a violation", async () => {
    await prepare();
    expect(await prepare({ kind: "ORDER" })).toEqual(["VIOLATION"]);
    expect(await thies.level("101")).toEqual({ on_hand: 8, reserved: 4 });
  });
});
