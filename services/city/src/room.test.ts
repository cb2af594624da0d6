/**
 * Goal: whatever a committed transaction has taken always finds room when it comes back, because deliveries,
 * transfers and top-ups are refused in time. Method: levels and wallets near their limits, in SQL, at a city
 * that is home and participant.
 */
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  cancellationOf,
  idOf,
  line,
  openProtocolDatabase,
  type ProtocolDatabase,
  smallOrder,
  states,
  transferOf,
} from "../test/protocol-database.ts";

const BILLION = 1_000_000_000;

let dakar: ProtocolDatabase;
beforeAll(async () => {
  dakar = await openProtocolDatabase("dakar");
});
afterAll(() => dakar.db.close());
beforeEach(() => dakar.reset());
afterEach(() => dakar.expectSound());

/** Adds pieces of product 101 as restocking does, but without the check of the room. */
async function add(pieces: number): Promise<void> {
  await dakar.db.exec(`
    update stock set on_hand = on_hand + ${pieces} where product_id = '101';
    insert into stock_movement (product_id, reason, on_hand_change, reserved_change) values ('101', 'RESTOCKED', ${pieces}, 0)`);
}

const transfer = (number: number, quantity: number) =>
  transferOf(idOf("dakar", number), { quantity, idempotencyKey: `transfer ${number}` });
const order = (number: number, quantity: number) => smallOrder(idOf("dakar", number), quantity, 1);
const cancellation = (number: number, orderNumber: number) =>
  cancellationOf(idOf("dakar", number), idOf("dakar", orderNumber), { idempotencyKey: `cancel ${number}` });

describe("a transfer", () => {
  test("that there is no room for is refused, with what there is room for, and changes nothing", async () => {
    await add(BILLION - 8 - 3);
    const answers = await dakar.commitTransfers(transfer(1, 4), transfer(2, 3), transfer(3, 1));
    expect(answers).toEqual([
      { transactionId: idOf("dakar", 1), state: "FULL", room: 3 },
      { transactionId: idOf("dakar", 2), state: "COMMITTED", committedId: idOf("dakar", 2) },
      { transactionId: idOf("dakar", 3), state: "FULL", room: 0 },
    ]);
    expect(await dakar.level("101")).toEqual({ on_hand: BILLION, reserved: 0 });
    expect(await dakar.outcome({ transactionId: idOf("dakar", 1), cityId: "thies" })).toMatchObject([
      { state: "ABORTED" },
    ]);
  });

  test("that was refused is answered alike when it comes again; its key is free", async () => {
    await add(BILLION - 8);
    const first = await dakar.commitTransfers(transfer(1, 4));
    await dakar.commitOrders(order(9, 8));
    expect(await dakar.commitTransfers(transfer(1, 4))).toEqual(first);
    const again = { ...transfer(2, 4), idempotencyKey: "transfer 1" };
    expect(states(await dakar.commitTransfers(again))).toEqual(["COMMITTED"]);
  });

  test("leaves the room of what orders have taken", async () => {
    await add(BILLION - 8);
    expect(states(await dakar.commitOrders(order(1, BILLION)))).toEqual(["COMMITTED"]);
    expect(states(await dakar.commitTransfers(transfer(2, BILLION)))).toEqual(["COMMITTED"]);
    expect(states(await dakar.commitOrders(order(3, BILLION - 1)))).toEqual(["COMMITTED"]);
    expect(await dakar.commitTransfers(transfer(4, 1))).toMatchObject([{ state: "FULL", room: 0 }]);
    expect(states(await dakar.commitCancellations(cancellation(5, 1), cancellation(6, 3)))).toEqual([
      "COMMITTED",
      "COMMITTED",
    ]);
    expect(await dakar.level("101")).toEqual({ on_hand: 2 * BILLION, reserved: 0 });
  });

  test("that takes pieces away makes room for others", async () => {
    await add(BILLION - 8);
    for (const number of [1, 2, 3]) {
      const given = { transactionId: idOf("thies", number), kind: "TRANSFER", lines: [line("101", BILLION)] };
      await dakar.prepare(given);
      expect(states(await dakar.decide({ ...given, decision: "COMMITTED" }))).toEqual(["DONE"]);
      expect(states(await dakar.commitTransfers(transfer(10 + number, BILLION)))).toEqual(["COMMITTED"]);
    }
  });
});

test("whatever orders, transfers and restocks do to a level, what is cancelled comes back", async () => {
  const pieces = fc.constantFrom(1, BILLION / 2, BILLION);
  const step = fc.record({
    what: fc.constantFrom("transfer", "order", "foreign", "cancel", "overtake"),
    pieces,
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async (steps) => {
      await dakar.reset();
      const placed: number[] = [];
      for (const [index, { what, pieces }] of steps.entries()) {
        const number = 100 + index;
        const foreign = { transactionId: idOf("thies", number), kind: "ORDER", lines: [line("101", pieces)] };
        const back = { ...foreign, transactionId: idOf("thies", 500 + index), kind: "CANCELLATION" };
        switch (what) {
          case "transfer":
            await dakar.commitTransfers(transfer(number, pieces));
            break;
          case "order":
            if (states(await dakar.commitOrders(order(number, pieces)))[0] === "COMMITTED")
              placed.push(number);
            break;
          case "foreign":
          case "overtake": {
            if (states(await dakar.prepare(foreign))[0] !== "PREPARED") break;
            const decisions = [
              { ...foreign, decision: "COMMITTED" },
              { ...back, decision: "COMMITTED" },
            ];
            if (what === "overtake") decisions.reverse();
            for (const decision of decisions) expect(states(await dakar.decide(decision))).toEqual(["DONE"]);
            break;
          }
          default: {
            const last = placed.pop();
            if (last === undefined) break;
            const answers = await dakar.commitCancellations(cancellation(number, last));
            expect(states(answers)).toEqual(["COMMITTED"]);
          }
        }
      }
      for (const [index, last] of placed.entries())
        expect(states(await dakar.commitCancellations(cancellation(300 + index, last)))).toEqual([
          "COMMITTED",
        ]);
      await dakar.expectSound();
    }),
    { numRuns: 15 },
  );
});

test("a top-up leaves the room of what purchases have taken", async () => {
  const topUp = async (amount: number, key: string) => {
    const call = `top_up_wallet('dakar:1', ${amount}, '${key}', ${Number.MAX_SAFE_INTEGER}, now())`;
    const [row] = await dakar.rows<{ answer: { state: string } }>(`select ${call} as answer`);
    return row!.answer;
  };
  expect(await topUp(Number.MAX_SAFE_INTEGER, "all")).toMatchObject({ state: "ADDED" });
  const bought = smallOrder(idOf("dakar", 1), 8, 100, { paymentMethod: "WALLET" });
  expect(states(await dakar.commitOrders(bought))).toEqual(["COMMITTED"]);
  expect(await topUp(1, "one more")).toMatchObject({ state: "LIMIT" });
  expect(states(await dakar.commitCancellations(cancellation(2, 1)))).toEqual(["COMMITTED"]);
  expect(await dakar.balance("dakar:1")).toBe(Number.MAX_SAFE_INTEGER);
});
