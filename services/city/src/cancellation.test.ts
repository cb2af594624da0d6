/**
 * Cancellations in SQL, at the order's home (Dakar) and at a participant (Thiès): what they give back, to
 * whom, and how often. Every test ends with the invariants of both.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  cancellationOf,
  idOf,
  line,
  openProtocolDatabase,
  orderOf,
  type ProtocolDatabase,
  smallOrder,
  states,
} from "../test/protocol-database.ts";

const ORDER = idOf("dakar", 1);
const CANCEL = idOf("dakar", 2);
const AGAIN = idOf("dakar", 3);
const GIVEN = [line("101", 2)];

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

const cancel = async (...entries: object[]) => states(await dakar.commitCancellations(...entries));
const prepareOrder = async () => states(await thies.prepare({ transactionId: ORDER, lines: GIVEN }));
const confirmOrder = async () =>
  states(await thies.decide({ transactionId: ORDER, decision: "COMMITTED", lines: GIVEN }));
const giveBack = async (changes: object = {}) =>
  states(
    await thies.decide({
      transactionId: CANCEL,
      kind: "CANCELLATION",
      decision: "COMMITTED",
      lines: GIVEN,
      ...changes,
    }),
  );
const outcomeOf = async (transactionId: string) =>
  (await dakar.outcome({ transactionId, cityId: "thies" }))[0];

describe("at the order's home, a cancellation", () => {
  test("takes the home's pieces back, and says and records what each participant gets", async () => {
    await dakar.commitOrders(orderOf(ORDER));
    expect(await dakar.level("101")).toEqual({ on_hand: 5, reserved: 0 });
    const participants = [{ cityId: "thies", lines: GIVEN }];
    expect(await dakar.commitCancellations(cancellationOf(CANCEL, ORDER))).toEqual([
      { transactionId: CANCEL, state: "COMMITTED", committedId: CANCEL, participants },
    ]);
    expect(await dakar.level("101")).toEqual({ on_hand: 8, reserved: 0 });
    expect(await outcomeOf(CANCEL)).toEqual({ transactionId: CANCEL, state: "COMMITTED", lines: GIVEN });
    expect(await dakar.rows("select status, cancelled_by from orders")).toEqual([
      { status: "CANCELLED", cancelled_by: CANCEL },
    ]);
  });

  test("that comes twice is done once and answered alike", async () => {
    await dakar.commitOrders(orderOf(ORDER));
    const first = await dakar.commitCancellations(cancellationOf(CANCEL, ORDER));
    expect(await dakar.commitCancellations(cancellationOf(CANCEL, ORDER))).toEqual(first);
    expect(await dakar.level("101")).toEqual({ on_hand: 8, reserved: 0 });
  });

  test("under a new id with the same key is a replay, and tells the participants again", async () => {
    await dakar.commitOrders(orderOf(ORDER));
    await cancel(cancellationOf(CANCEL, ORDER));
    expect(await dakar.commitCancellations(cancellationOf(AGAIN, ORDER))).toEqual([
      {
        transactionId: AGAIN,
        state: "REPLAYED",
        committedId: CANCEL,
        participants: [{ cityId: "thies", lines: GIVEN }],
      },
    ]);
    expect(await outcomeOf(AGAIN)).toMatchObject({ state: "ABORTED" });
    expect(await dakar.level("101")).toEqual({ on_hand: 8, reserved: 0 });
  });

  test("with the key of another one is refused, also within one batch", async () => {
    await dakar.commitOrders(orderOf(ORDER));
    const other = cancellationOf(AGAIN, ORDER, { requestHash: "of another order" });
    expect(await cancel(cancellationOf(CANCEL, ORDER), other)).toEqual(["COMMITTED", "KEY_REUSED"]);
  });

  test("with another key finds the order cancelled, also within one batch", async () => {
    await dakar.commitOrders(orderOf(ORDER));
    const second = cancellationOf(AGAIN, ORDER, { idempotencyKey: "another" });
    expect(await dakar.commitCancellations(cancellationOf(CANCEL, ORDER), second)).toEqual([
      expect.objectContaining({ state: "COMMITTED" }),
      { transactionId: AGAIN, state: "ALREADY_CANCELLED", committedId: CANCEL },
    ]);
    expect(await cancel(second)).toEqual(["ALREADY_CANCELLED"]);
    expect(await dakar.level("101")).toEqual({ on_hand: 8, reserved: 0 });
  });

  test.each([
    ["that was never placed", ORDER],
    ["of another home", idOf("thies", 1)],
    ["that is a client's id", "dakar:1"],
  ])("of an order %s is refused for good, even if the order comes later", async (_name, orderId) => {
    expect(await cancel(cancellationOf(CANCEL, orderId))).toEqual(["UNKNOWN_ORDER"]);
    await dakar.commitOrders(orderOf(ORDER));
    expect(await cancel(cancellationOf(CANCEL, orderId))).toEqual(["UNKNOWN_ORDER"]);
    expect(await dakar.level("101")).toEqual({ on_hand: 5, reserved: 0 });
  });

  test("that comes after its fence is aborted; a new one goes through", async () => {
    await dakar.commitOrders(orderOf(ORDER));
    expect(await outcomeOf(CANCEL)).toEqual({ transactionId: CANCEL, state: "ABORTED", lines: [] });
    expect(await cancel(cancellationOf(CANCEL, ORDER))).toEqual(["ABORTED"]);
    expect(await dakar.level("101")).toEqual({ on_hand: 5, reserved: 0 });
    expect(await cancel(cancellationOf(AGAIN, ORDER))).toEqual(["COMMITTED"]);
  });

  test("under a decided id that is another message is a violation", async () => {
    await dakar.commitOrders(orderOf(ORDER), smallOrder(AGAIN, 1, 100));
    await cancel(cancellationOf(CANCEL, ORDER));
    expect(await cancel(cancellationOf(CANCEL, AGAIN))).toEqual(["VIOLATION"]);
    expect(await cancel(cancellationOf(ORDER, AGAIN))).toEqual(["VIOLATION"]);
    expect(states(await dakar.commitOrders(orderOf(CANCEL)))).toEqual(["VIOLATION"]);
    expect(await dakar.rows("select id from orders where status = 'CANCELLED'")).toEqual([{ id: ORDER }]);
  });

  test("of an aborted order finds none", async () => {
    await outcomeOf(ORDER);
    expect(states(await dakar.commitOrders(orderOf(ORDER)))).toEqual(["ABORTED"]);
    expect(await cancel(cancellationOf(CANCEL, ORDER))).toEqual(["UNKNOWN_ORDER"]);
  });

  test("leaves the order's own answer and participants as they were", async () => {
    const placed = await dakar.commitOrders(orderOf(ORDER));
    await cancel(cancellationOf(CANCEL, ORDER));
    expect(await dakar.commitOrders(orderOf(ORDER))).toEqual(placed);
    expect(await outcomeOf(ORDER)).toEqual({ transactionId: ORDER, state: "COMMITTED", lines: GIVEN });
    const told = "select transaction_id, lines from decision_participant order by transaction_id";
    expect(await dakar.rows(told)).toEqual([
      { transaction_id: ORDER, lines: GIVEN },
      { transaction_id: CANCEL, lines: GIVEN },
    ]);
  });

  test("may have the key of an order of the same client, and frees no key", async () => {
    await dakar.commitOrders(orderOf(ORDER));
    expect(await cancel(cancellationOf(CANCEL, ORDER, { requestHash: "hash" }))).toEqual(["COMMITTED"]);
    expect(await dakar.commitOrders(orderOf(AGAIN))).toEqual([
      { transactionId: AGAIN, state: "REPLAYED", committedId: ORDER, participants: null },
    ]);
  });

  test("of one client does not share its key with another client", async () => {
    await dakar.commitOrders(orderOf(ORDER), smallOrder(idOf("dakar", 9), 1, 100, { clientId: "dakar:2" }));
    const other = cancellationOf(AGAIN, idOf("dakar", 9), { requestHash: "other" });
    expect(await cancel(cancellationOf(CANCEL, ORDER), other)).toEqual(["COMMITTED", "COMMITTED"]);
  });
});

describe("at a participant, a cancellation", () => {
  test("gives back after the order's confirmation", async () => {
    await prepareOrder();
    await confirmOrder();
    expect(await thies.level("101")).toEqual({ on_hand: 6, reserved: 0 });
    expect(await giveBack()).toEqual(["DONE"]);
    expect(await thies.level("101")).toEqual({ on_hand: 8, reserved: 0 });
  });

  test("gives back before the order's confirmation; the two commute", async () => {
    await prepareOrder();
    expect(await giveBack()).toEqual(["DONE"]);
    expect(await thies.level("101")).toEqual({ on_hand: 10, reserved: 2 });
    expect(await confirmOrder()).toEqual(["DONE"]);
    expect(await thies.level("101")).toEqual({ on_hand: 8, reserved: 0 });
  });

  test("in one batch with the confirmation gives the same", async () => {
    await prepareOrder();
    const confirmation = { transactionId: ORDER, decision: "COMMITTED", lines: GIVEN };
    const returned = { ...confirmation, transactionId: CANCEL, kind: "CANCELLATION" };
    expect(states(await thies.decide(returned, confirmation))).toEqual(["DONE", "DONE"]);
    expect(await thies.level("101")).toEqual({ on_hand: 8, reserved: 0 });
  });

  test("that comes twice gives back once", async () => {
    for (const _ of [1, 2, 3]) expect(await giveBack()).toEqual(["DONE"]);
    expect(await thies.level("101")).toEqual({ on_hand: 10, reserved: 0 });
  });

  test("of several products gives all of them, in any order of lines", async () => {
    const lines = [line("102", 5), line("101", 2)];
    expect(await giveBack({ lines })).toEqual(["DONE"]);
    expect(await giveBack({ lines: lines.toReversed() })).toEqual(["DONE"]);
    expect(await thies.level("101")).toEqual({ on_hand: 10, reserved: 0 });
    expect(await thies.level("102")).toEqual({ on_hand: 7, reserved: 0 });
  });

  test.each<[string, object]>([
    ["with other lines", { lines: [line("101", 3)] }],
    ["with a line more", { lines: [...GIVEN, line("102", 1)] }],
    ["as an order", { kind: "ORDER" }],
    ["as a transfer", { kind: "TRANSFER" }],
    ["as an abort", { kind: "ORDER", decision: "ABORTED" }],
  ])("that comes again %s is a violation", async (_name, changes) => {
    await giveBack();
    expect(await giveBack(changes)).toEqual(["VIOLATION"]);
    expect(await thies.level("101")).toEqual({ on_hand: 10, reserved: 0 });
  });

  test("of a product that the city never had is a violation, and leaves nothing behind", async () => {
    expect(await giveBack({ lines: [...GIVEN, line("999", 1)] })).toEqual(["VIOLATION"]);
    expect(await thies.level("101")).toEqual({ on_hand: 8, reserved: 0 });
    expect(await thies.rows("select from participation")).toEqual([]);
    expect(await giveBack()).toEqual(["DONE"]);
  });

  test.each(["PREPARED", "COMMITTED", "ABORTED"])(
    "under the id of a %s order is a violation",
    async (state) => {
      await prepareOrder();
      if (state !== "PREPARED") await thies.decide({ transactionId: ORDER, decision: state, lines: GIVEN });
      const before = await thies.level("101");
      expect(await giveBack({ transactionId: ORDER })).toEqual(["VIOLATION"]);
      expect(await thies.level("101")).toEqual(before);
    },
  );

  test("cannot be prepared after it has given back", async () => {
    await giveBack();
    expect(states(await thies.prepare({ transactionId: CANCEL, lines: GIVEN }))).toEqual(["VIOLATION"]);
    expect(await thies.level("101")).toEqual({ on_hand: 10, reserved: 0 });
  });
});
