/**
 * A batch with an entry whose data makes the database fail. Only that entry is FAILED. The others are
 * applied, each once. The same message applies the failed entry once it can be applied.
 */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { startWiredCity, type WiredCity } from "../test/city-over-wire.ts";
import { brokenInvariants } from "../test/invariants.ts";
import { cancellationOf, idOf, line, smallOrder, transferOf } from "../test/protocol-database.ts";

/** The level of product 900 when it is full. */
const FULL = 10;

let dakar: WiredCity;
beforeAll(async () => {
  dakar = await startWiredCity("dakar", "batch_isolation");
});
afterAll(() => dakar.close());
beforeEach(() => dakar.reset());
afterEach(async () => {
  expect(await brokenInvariants((text) => dakar.sql.unsafe(text))).toEqual({});
});

/** Makes the database refuse any addition to the level of product 900. */
async function fill(): Promise<void> {
  const [level] = await dakar.sql<{ on_hand: number }[]>`
    insert into stock (product_id, warehouse, on_hand) values ('900', 'Warehouse', 0)
    on conflict (product_id) do update set warehouse = excluded.warehouse returning on_hand`;
  await dakar.sql`update stock set on_hand = ${FULL} where product_id = '900'`;
  await dakar.sql`
    insert into stock_movement (product_id, reason, on_hand_change, reserved_change)
    values ('900', 'RESTOCKED', ${FULL - level!.on_hand}, 0)`;
  await makeRoom(0);
}

/** Makes room for this many pieces. */
async function makeRoom(pieces: number): Promise<void> {
  await dakar.sql.unsafe(`
    alter table stock drop constraint if exists full_900;
    alter table stock add constraint full_900 check (product_id <> '900' or on_hand <= ${FULL + pieces})`);
}

const onHand = async (productId: string) =>
  (await dakar.sql<{ on_hand: number }[]>`select on_hand from stock where product_id = ${productId}`)[0]
    ?.on_hand;
const failed = () => dakar.takeLog().map(({ level, transactionId }) => ({ level, transactionId }));

test("a transfer to a level that is full", async () => {
  await fill();
  const transfer = (number: number, productId: string) =>
    transferOf(idOf("dakar", number), { productId, idempotencyKey: `key ${number}` });
  const batch = [transfer(3, "101"), transfer(1, "900"), transfer(2, "101"), transfer(4, "new")];
  expect((await dakar.send("transfer", batch)).states).toEqual([
    "COMMITTED",
    "FAILED",
    "COMMITTED",
    "COMMITTED",
  ]);
  expect(failed()).toEqual([{ level: 50, transactionId: idOf("dakar", 1) }]);
  expect([await onHand("101"), await onHand("new"), await onHand("900")]).toEqual([18, 4, FULL]);
  await makeRoom(4);
  expect((await dakar.send("transfer", batch)).states).toEqual(batch.map(() => "COMMITTED"));
  expect([await onHand("101"), await onHand("new"), await onHand("900")]).toEqual([18, 4, FULL + 4]);
});

test("a cancellation of an order that is the wallet's, to a level that is full: no refund without the pieces", async () => {
  await dakar.sql`select top_up_wallet('dakar:1', 100, 'a', 1000, now())`;
  const orders = [1, 2, 3].map((number) =>
    smallOrder(idOf("dakar", number), 1, 10, { paymentMethod: "WALLET" }),
  );
  orders[1] = {
    ...orders[1]!,
    lines: [{ productId: "900", quantity: 1, unitPrice: 10 }],
    allocations: [{ cityId: "dakar", productId: "900", quantity: 1 }],
  };
  await fill();
  expect((await dakar.send("commit", orders)).states).toEqual(orders.map(() => "COMMITTED"));
  await fill();
  const batch = [1, 2, 3].map((number) =>
    cancellationOf(idOf("dakar", 10 + number), idOf("dakar", number), { idempotencyKey: `key ${number}` }),
  );
  const balance = async () => (await dakar.sql`select balance from wallet`)[0];
  expect((await dakar.send("cancel", batch)).states).toEqual(["COMMITTED", "FAILED", "COMMITTED"]);
  expect(failed()).toEqual([{ level: 50, transactionId: idOf("dakar", 12) }]);
  expect(await balance()).toEqual({ balance: 90 });
  await makeRoom(1);
  expect((await dakar.send("cancel", batch)).states).toEqual(batch.map(() => "COMMITTED"));
  expect(await balance()).toEqual({ balance: 100 });
});

test("a return to a level that is full", async () => {
  await fill();
  const returned = (number: number, productId: string) => ({
    transactionId: idOf("thies", number),
    kind: "CANCELLATION",
    decision: "COMMITTED",
    lines: [line(productId, 1), line("101", 1)],
  });
  await dakar.sql`insert into stock (product_id, warehouse, on_hand) values ('102', 'Warehouse', 0)`;
  const batch = [returned(1, "102"), returned(2, "900"), returned(3, "102")];
  expect((await dakar.send("decide", batch)).states).toEqual(["DONE", "FAILED", "DONE"]);
  expect(failed()).toEqual([{ level: 50, transactionId: idOf("thies", 2) }]);
  expect([await onHand("101"), await onHand("102")]).toEqual([12, 2]);
  await makeRoom(1);
  expect((await dakar.send("decide", batch)).states).toEqual(["DONE", "DONE", "DONE"]);
  expect([await onHand("101"), await onHand("102")]).toEqual([13, 2]);
});

test("one message alone, and one that comes twice in its batch", async () => {
  await fill();
  const full = transferOf(idOf("dakar", 1), { productId: "900" });
  expect((await dakar.send("transfer", [full])).states).toEqual(["FAILED"]);
  const other = transferOf(idOf("dakar", 2), { idempotencyKey: "other" });
  expect((await dakar.send("transfer", [full, other, full, other])).states).toEqual([
    "FAILED",
    "COMMITTED",
    "FAILED",
    "COMMITTED",
  ]);
  expect(await onHand("101")).toBe(14);
  expect(await dakar.sql`select transaction_id from transaction_decision`).toHaveLength(1);
});

test("a fault that is no entry's fails the whole message, and nothing of it has happened", async () => {
  await dakar.sql`alter table stock_transfer rename to stock_transfer_away`;
  try {
    const before = await dakar.contents();
    const batch = [transferOf(idOf("dakar", 1)), transferOf(idOf("dakar", 2), { idempotencyKey: "other" })];
    const { states, errors } = await dakar.send("transfer", batch);
    expect(states).toBeUndefined();
    expect(errors).toEqual([{ code: "INTERNAL_SERVER_ERROR" }]);
    expect(await dakar.contents()).toEqual(before);
  } finally {
    await dakar.sql`alter table stock_transfer_away rename to stock_transfer`;
  }
});
