/**
 * The same request from many senders in the same instant, on a real PostgreSQL. One of them happens, the
 * others are told of it, and no sender gets a database error. They contend for a key, a wallet or an order;
 * their products differ, so they wait for one another over nothing else.
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { startWiredCity, type WiredCity } from "../test/city-over-wire.ts";
import { brokenInvariants } from "../test/invariants.ts";
import { cancellationOf, idOf, smallOrder, transferOf } from "../test/protocol-database.ts";

const SENDERS = 8;
const ROUNDS = 5;

let dakar: WiredCity;
beforeAll(async () => {
  dakar = await startWiredCity("dakar", "same_instant");
});
afterAll(() => dakar.close());
beforeEach(async () => {
  await dakar.reset();
  await dakar.sql`
    insert into stock (product_id, warehouse, on_hand) select 's' || number, 'w', 100 from generate_series(1, ${SENDERS}) number`;
  await dakar.sql`
    insert into stock_movement (product_id, reason, on_hand_change, reserved_change)
    select product_id, 'RESTOCKED', 100, 0 from stock where product_id like 's%'`;
});
afterEach(async () => {
  expect(await brokenInvariants((text) => dakar.sql.unsafe(text))).toEqual({});
  expect(dakar.takeLog()).toEqual([]);
});

/** Sends one message from each sender at once, and counts the answers by state. */
async function atOnce(message: "commit" | "cancel" | "transfer", entryOf: (sender: number) => object) {
  const senders = Array.from({ length: SENDERS }, (_, index) => index + 1);
  const answers = await Promise.all(senders.map((sender) => dakar.send(message, [entryOf(sender)])));
  const counts: Record<string, number> = {};
  for (const { states, errors } of answers) {
    const state = states?.[0] ?? JSON.stringify(errors);
    counts[state] = (counts[state] ?? 0) + 1;
  }
  return counts;
}

/** Each sender's order is for another product. The ids run through the senders of a round. */
const orderOf = (round: number, sender: number, changes: object = {}) =>
  smallOrder(idOf("dakar", round * 100 + sender), 1, 10, {
    lines: [{ productId: `s${sender}`, quantity: 1, unitPrice: 10 }],
    allocations: [{ cityId: "dakar", productId: `s${sender}`, quantity: 1 }],
    ...changes,
  });

const rounds = Array.from({ length: ROUNDS }, (_, index) => index + 1);

test("orders with one key: one is placed, the others are told of it", async () => {
  for (const round of rounds) {
    const counts = await atOnce("commit", (sender) => orderOf(round, sender, { idempotencyKey: `${round}` }));
    expect(counts).toEqual({ COMMITTED: 1, REPLAYED: SENDERS - 1 });
  }
});

test("orders from one wallet that is enough for three of them", async () => {
  for (const round of rounds) {
    await dakar.sql`select top_up_wallet('dakar:1', 35 - coalesce((select balance from wallet), 0), ${`${round}`}, 1000, now())`;
    const counts = await atOnce("commit", (sender) => orderOf(round, sender, { paymentMethod: "WALLET" }));
    expect(counts).toEqual({ COMMITTED: 3, DECLINED: SENDERS - 3 });
    expect(await dakar.sql`select balance from wallet`).toEqual([{ balance: 5 }]);
  }
});

test("one top-up: the money is added once", async () => {
  for (const round of rounds) {
    const answers = await Promise.all(
      Array.from(
        { length: SENDERS },
        () => dakar.sql`select top_up_wallet('dakar:1', 10, ${`${round}`}, 1000, now()) as answer`,
      ),
    );
    expect(new Set(answers.map(([row]) => JSON.stringify(row))).size).toBe(1);
    expect(await dakar.sql`select balance from wallet`).toEqual([{ balance: 10 * round }]);
  }
});

test("cancellations of one order: one refunds it, the others find it cancelled", async () => {
  await dakar.sql`select top_up_wallet('dakar:1', 10, 'a', 1000, now())`;
  for (const round of rounds) {
    const order = orderOf(round, 99, {
      paymentMethod: "WALLET",
      lines: [{ productId: "101", quantity: 1, unitPrice: 10 }],
      allocations: [{ cityId: "dakar", productId: "101", quantity: 1 }],
    });
    expect((await dakar.send("commit", [order])).states).toEqual(["COMMITTED"]);
    const counts = await atOnce("cancel", (sender) =>
      cancellationOf(idOf("dakar", round * 100 + sender), order.transactionId, {
        idempotencyKey: `${round} ${sender}`,
      }),
    );
    expect(counts).toEqual({ COMMITTED: 1, ALREADY_CANCELLED: SENDERS - 1 });
    expect(await dakar.sql`select balance from wallet`).toEqual([{ balance: 10 }]);
  }
});

test("transfers with one key: one arrives, the others are told of it", async () => {
  for (const round of rounds) {
    const counts = await atOnce("transfer", (sender) =>
      transferOf(idOf("dakar", round * 100 + sender), {
        productId: `s${sender}`,
        idempotencyKey: `${round}`,
      }),
    );
    expect(counts).toEqual({ COMMITTED: 1, REPLAYED: SENDERS - 1 });
  }
});

test("transfers of a product that the city never had make one place for it", async () => {
  for (const round of rounds) {
    const counts = await atOnce("transfer", (sender) =>
      transferOf(idOf("dakar", round * 100 + sender), {
        productId: `new ${round}`,
        idempotencyKey: `${round} ${sender}`,
      }),
    );
    expect(counts).toEqual({ COMMITTED: SENDERS });
    expect(await dakar.sql`select on_hand from stock where product_id = ${`new ${round}`}`).toEqual([
      { on_hand: 4 * SENDERS },
    ]);
  }
});
