/**
 * Wallets and their double-entry ledger in SQL: top-ups, orders paid from a wallet, refunds, and what the
 * database itself refuses.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  BALANCE_MAX,
  cancellationOf,
  idOf,
  openProtocolDatabase,
  type ProtocolDatabase,
  smallOrder,
  states,
} from "../test/protocol-database.ts";

const ORDER = idOf("dakar", 1);
const ORDER_2 = idOf("dakar", 2);
const CANCEL = idOf("dakar", 3);
const BUYER = "dakar:1";

let city: ProtocolDatabase;
beforeAll(async () => {
  city = await openProtocolDatabase();
});
afterAll(() => city.close());
beforeEach(() => city.reset());
afterEach(() => city.expectSound());

const walletOrder = (id: string, quantity: number, unitPrice: number, changes: object = {}) =>
  smallOrder(id, quantity, unitPrice, { paymentMethod: "WALLET", ...changes });
const postings = () =>
  city.rows<{ reason: string; account: string; amount: number }>(`
    select reason, account, amount::float8 as amount from ledger_entry e join ledger_posting p on p.id = e.posting_id order by e.id`);

describe("a top-up", () => {
  test("opens the wallet and is entered twice: as the client's and as cash", async () => {
    expect(await city.balance(BUYER)).toBeUndefined();
    expect(await city.topUp(BUYER, 500, "a")).toMatchObject({ state: "ADDED" });
    expect(await city.balance(BUYER)).toBe(500);
    expect(await postings()).toEqual([
      { reason: "TOP_UP", account: "WALLET", amount: 500 },
      { reason: "TOP_UP", account: "CASH", amount: -500 },
    ]);
  });

  test("that comes again with its key is the same entry, and adds once", async () => {
    const first = await city.topUp(BUYER, 500, "a");
    expect(await city.topUp(BUYER, 500, "a")).toEqual(first);
    expect(await city.topUp(BUYER, 500, "b")).not.toEqual(first);
    expect(await city.balance(BUYER)).toBe(1_000);
  });

  test("of another amount with a used key is refused; another client has keys of its own", async () => {
    await city.topUp(BUYER, 500, "a");
    expect(await city.topUp(BUYER, 501, "a")).toMatchObject({ state: "KEY_REUSED" });
    expect(await city.topUp("dakar:2", 501, "a")).toMatchObject({ state: "ADDED" });
    expect(await city.balance(BUYER)).toBe(500);
  });

  test("may fill the wallet to its limit and not beyond", async () => {
    expect(await city.topUp(BUYER, BALANCE_MAX, "a")).toMatchObject({ state: "ADDED" });
    expect(await city.topUp(BUYER, 1, "b")).toEqual({ state: "LIMIT", balance: BALANCE_MAX });
    expect(await city.topUp(BUYER, BALANCE_MAX, "a")).toMatchObject({ state: "ADDED" });
  });

  test("of an unknown client is refused", async () => {
    expect(await city.topUp("dakar:77", 1, "a")).toEqual({ state: "UNKNOWN_CLIENT" });
  });

  test("with an order's key does not stand for the order", async () => {
    await city.topUp(BUYER, 500, "key");
    expect(states(await city.commitOrders(walletOrder(ORDER, 1, 500, { idempotencyKey: "key" })))).toEqual([
      "COMMITTED",
    ]);
  });
});

describe("an order paid from a wallet", () => {
  test("takes its price at the commit point, once", async () => {
    await city.topUp(BUYER, 500, "a");
    for (const _ of [1, 2])
      expect(states(await city.commitOrders(walletOrder(ORDER, 2, 150)))).toEqual(["COMMITTED"]);
    expect(await city.balance(BUYER)).toBe(200);
    expect((await postings()).slice(2)).toEqual([
      { reason: "PURCHASE", account: "WALLET", amount: -300 },
      { reason: "PURCHASE", account: "SALES", amount: 300 },
    ]);
  });

  test("may take all that there is, and not one franc more", async () => {
    await city.topUp(BUYER, 500, "a");
    expect(await city.commitOrders(walletOrder(ORDER, 1, 501))).toEqual([
      { transactionId: ORDER, state: "DECLINED", balance: 500 },
    ]);
    expect(states(await city.commitOrders(walletOrder(ORDER_2, 1, 500)))).toEqual(["COMMITTED"]);
    expect(await city.balance(BUYER)).toBe(0);
  });

  test("that was declined stays so, even with money in the wallet; its stock is not touched", async () => {
    expect(await city.commitOrders(walletOrder(ORDER, 1, 500))).toEqual([
      { transactionId: ORDER, state: "DECLINED", balance: 0 },
    ]);
    await city.topUp(BUYER, 500, "a");
    expect(states(await city.commitOrders(walletOrder(ORDER, 1, 500)))).toEqual(["DECLINED"]);
    expect(states(await city.outcome({ transactionId: ORDER, cityId: "thies" }))).toEqual(["ABORTED"]);
    expect(await city.level("101")).toEqual({ on_hand: 8, reserved: 0 });
    expect(await city.balance(BUYER)).toBe(500);
  });

  test("its money is judged before its stock", async () => {
    expect(states(await city.commitOrders(walletOrder(ORDER, 9, 500)))).toEqual(["DECLINED"]);
    await city.topUp(BUYER, 4_500, "a");
    expect(states(await city.commitOrders(walletOrder(ORDER_2, 9, 500)))).toEqual(["REFUSED"]);
    expect(await city.balance(BUYER)).toBe(4_500);
  });

  test("competes for the wallet with another in its batch, in the order of ids", async () => {
    await city.topUp(BUYER, 500, "a");
    const answers = await city.commitOrders(walletOrder(ORDER_2, 1, 300), walletOrder(ORDER, 1, 300));
    expect(answers).toMatchObject([
      { transactionId: ORDER, state: "COMMITTED" },
      { transactionId: ORDER_2, state: "DECLINED", balance: 200 },
    ]);
    expect(await city.balance(BUYER)).toBe(200);
  });

  test("for nothing needs no wallet, and posts nothing; nor does its cancellation", async () => {
    expect(states(await city.commitOrders(walletOrder(ORDER, 2, 0)))).toEqual(["COMMITTED"]);
    expect(states(await city.commitCancellations(cancellationOf(CANCEL, ORDER)))).toEqual(["COMMITTED"]);
    expect(await postings()).toEqual([]);
    expect(await city.rows("select state from payment")).toEqual([{ state: "REFUNDED" }]);
  });

  test("that is fenced takes nothing", async () => {
    await city.topUp(BUYER, 500, "a");
    await city.outcome({ transactionId: ORDER, cityId: "thies" });
    expect(states(await city.commitOrders(walletOrder(ORDER, 1, 500)))).toEqual(["ABORTED"]);
    expect(await city.balance(BUYER)).toBe(500);
  });

  test("that is a replay takes nothing more", async () => {
    await city.topUp(BUYER, 500, "a");
    await city.commitOrders(walletOrder(ORDER, 1, 200, { idempotencyKey: "one" }));
    expect(states(await city.commitOrders(walletOrder(ORDER_2, 1, 200, { idempotencyKey: "one" })))).toEqual([
      "REPLAYED",
    ]);
    expect(await city.balance(BUYER)).toBe(300);
  });

  test("is refunded once, however often it is cancelled", async () => {
    await city.topUp(BUYER, 500, "a");
    await city.commitOrders(walletOrder(ORDER, 1, 300));
    const cancellations = [
      cancellationOf(CANCEL, ORDER),
      cancellationOf(idOf("dakar", 4), ORDER),
      cancellationOf(idOf("dakar", 5), ORDER, { idempotencyKey: "another" }),
    ];
    const expected = ["COMMITTED", "REPLAYED", "ALREADY_CANCELLED"];
    for (const _ of [1, 2])
      expect(states(await city.commitCancellations(...cancellations))).toEqual(expected);
    expect(await city.balance(BUYER)).toBe(500);
    expect((await postings()).slice(4)).toEqual([
      { reason: "REFUND", account: "WALLET", amount: 300 },
      { reason: "REFUND", account: "SALES", amount: -300 },
    ]);
  });

  test("that is refunded may go beyond the limit of top-ups: giving back cannot be refused", async () => {
    await city.topUp(BUYER, BALANCE_MAX, "a");
    await city.commitOrders(walletOrder(ORDER, 1, 300));
    await city.topUp(BUYER, 300, "b");
    expect(states(await city.commitCancellations(cancellationOf(CANCEL, ORDER)))).toEqual(["COMMITTED"]);
    expect(await city.balance(BUYER)).toBe(BALANCE_MAX + 300);
  });
});

test("an order paid on delivery is due, and void once it is cancelled", async () => {
  await city.commitOrders(smallOrder(ORDER, 1, 300));
  expect(await city.rows("select state from payment")).toEqual([{ state: "DUE" }]);
  await city.commitCancellations(cancellationOf(CANCEL, ORDER));
  expect(await city.rows("select state from payment")).toEqual([{ state: "VOIDED" }]);
  expect(await postings()).toEqual([]);
});

describe("the database itself refuses", () => {
  beforeEach(async () => {
    await city.topUp(BUYER, 500, "a");
    await city.commitOrders(walletOrder(ORDER, 1, 300), smallOrder(ORDER_2, 1, 300));
  });

  test.each([
    ["to overdraw a wallet", "update wallet set balance = -1", "23514"],
    ["to change a posting", "update ledger_posting set reason = 'TOP_UP'", "23000"],
    ["to remove a posting", "delete from ledger_posting", "23000"],
    ["to change an entry", "update ledger_entry set amount = amount * 2", "23000"],
    ["to remove an entry", "delete from ledger_entry", "23000"],
    [
      "a posting without entries",
      "insert into ledger_posting (reason, client_id, idempotency_key, at) values ('TOP_UP', 'dakar:1', 'x', now())",
      "23514",
    ],
    [
      "an entry more in a posting",
      "insert into ledger_entry (posting_id, account, amount) select min(id), 'CASH', 5 from ledger_posting",
      "23514",
    ],
    [
      "an entry of nothing",
      "insert into ledger_entry (posting_id, account, amount) select min(id), 'CASH', 0 from ledger_posting",
      "23514",
    ],
    [
      "a second charge of an order",
      `select post_to_wallet('dakar:1', -1, 'SALES', 'PURCHASE', '${ORDER}', null, now())`,
      "23505",
    ],
    [
      "a top-up without a key",
      "select post_to_wallet('dakar:1', 1, 'CASH', 'TOP_UP', null, null, now())",
      "23514",
    ],
    [
      "a purchase of a transaction that is not decided",
      `select post_to_wallet('dakar:1', -1, 'SALES', 'PURCHASE', '${idOf("dakar", 99)}', null, now())`,
      "23503",
    ],
    ["another total of an order", `update orders set total = 1 where id = '${ORDER}'`, "23000"],
    ["to remove an order", `delete from orders where id = '${ORDER}'`, "23000"],
    ["an order that is cancelled by nothing", "update orders set status = 'CANCELLED'", "23000"],
    [
      "an order that is cancelled by its own placing",
      `update orders set status = 'CANCELLED', cancelled_by = id, cancelled_at = now() where id = '${ORDER}'`,
      "23000",
    ],
    [
      "a cancellation without a cancelled order",
      `insert into transaction_decision (transaction_id, kind, state, client_id, idempotency_key, request_hash, answer, decided_at)
       values ('${CANCEL}', 'CANCELLATION', 'COMMITTED', 'dakar:1', 'k', 'h', '{}', now())`,
      "23514",
    ],
    [
      "a transfer without what it moved",
      `insert into transaction_decision (transaction_id, kind, state, idempotency_key, request_hash, answer, decided_at)
       values ('${CANCEL}', 'TRANSFER', 'COMMITTED', 'k', 'h', '{}', now())`,
      "23514",
    ],
    [
      "a commit of no kind",
      `insert into transaction_decision (transaction_id, state, idempotency_key, request_hash, answer, decided_at)
       values ('${CANCEL}', 'COMMITTED', 'k', 'h', '{}', now())`,
      "23514",
    ],
  ])("%s", async (_name, statement, code) => {
    await expect(city.db.exec(statement)).rejects.toMatchObject({ code });
  });

  test("to bring a cancelled order back", async () => {
    await city.commitCancellations(cancellationOf(CANCEL, ORDER));
    const back = "update orders set status = 'PLACED', cancelled_by = null, cancelled_at = null";
    await expect(city.db.exec(back)).rejects.toMatchObject({ code: "23000" });
  });

  test("to change or remove what a transfer has moved", async () => {
    const transfer = { transactionId: CANCEL, productId: "101", fromCityId: "thies", quantity: 1 };
    await city.commitTransfers({ ...transfer, idempotencyKey: "k", requestHash: "h" });
    for (const change of ["update stock_transfer set quantity = 2", "delete from stock_transfer"])
      await expect(city.db.exec(change)).rejects.toMatchObject({ code: "23000" });
  });
});
