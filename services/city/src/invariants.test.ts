/** Each rule of functions/9-invariants.sql finds what breaks it, in a database with rows of every kind. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { CITY_FILES } from "@teranga/protocol/city/sql-files.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  cancellationOf,
  idOf,
  line,
  openProtocolDatabase,
  orderOf,
  type ProtocolDatabase,
  transferOf,
} from "../test/protocol-database.ts";

let dakar: ProtocolDatabase;

beforeAll(async () => {
  dakar = await openProtocolDatabase("dakar");
  await dakar.reset();
  await dakar.topUp("dakar:1", 10_000, "top-up");
  const wallet = { paymentMethod: "WALLET" };
  const [first, second] = [idOf("dakar", 1), idOf("dakar", 2)];
  await dakar.commitOrders(orderOf(first, wallet));
  await dakar.commitOrders(orderOf(second, { ...wallet, idempotencyKey: "second" }));
  await dakar.commitCancellations(cancellationOf(idOf("dakar", 3), second));
  await dakar.commitTransfers(transferOf(idOf("dakar", 4)));
  const lines = [line("101", 1)];
  for (const number of [5, 6, 7]) await dakar.prepare({ transactionId: idOf("thies", number), lines });
  await dakar.decide({ transactionId: idOf("thies", 6), decision: "COMMITTED", lines });
  await dakar.decide({ transactionId: idOf("thies", 7), decision: "ABORTED" });
});
afterAll(async () => {
  await dakar.reset();
  dakar.close();
});

/** Changes that the tables' own rules would refuse, and the rule that finds each. */
const SABOTAGE: readonly [rule: string, statement: string][] = [
  ["what is reserved is on hand", "update stock set reserved = on_hand + 1"],
  ["a level is the sum of its movements", "update stock set on_hand = on_hand + 1"],
  ["a level keeps room for what orders have taken and not given back", "update stock set returnable = 0"],
  ["what is reserved is what PREPARED transactions hold", "update reservation set quantity = 2"],
  [
    "a participation has moved what it says, once",
    "update participation set state = 'COMMITTED' where state = 'ABORTED'",
  ],
  [
    "what a home has moved is of a COMMITTED transaction",
    "update transaction_decision set state = 'ABORTED'",
  ],
  ["a COMMITTED transaction has happened", "delete from stock_transfer"],
  [
    "an order is placed by an ORDER and cancelled by a CANCELLATION",
    "update transaction_decision set kind = 'TRANSFER' where kind = 'CANCELLATION'",
  ],
  [
    "an order has sold what it was allocated here, and its cancellation has returned it",
    "delete from stock_movement where reason = 'RETURNED'",
  ],
  [
    "the allocations of an order add up to its lines, and its lines to its total",
    "update order_line set quantity = quantity + 1",
  ],
  [
    "every sale and return is of an order or a participation, every arrival of a transfer",
    "update stock_movement set transaction_id = 'dakar:other' where reason = 'SOLD'",
  ],
  ["a transfer has arrived, once", "delete from stock_movement where reason = 'TRANSFERRED'"],
  [
    "the participants of a commit give or get back what the order was allocated there",
    "delete from decision_participant",
  ],
  ["the participant of a transfer gives what has arrived", "update decision_participant set lines = '[]'"],
  [
    "a key stands for one transaction of its kind",
    "drop index decision_of_key; update transaction_decision set idempotency_key = 'same'",
  ],
  ["the entries of a posting add up to zero", "delete from ledger_entry where account = 'SALES'"],
  ["a wallet is the sum of its entries, and never below zero", "update wallet set balance = balance + 1"],
  [
    "a wallet keeps room for what its purchases have taken and refunds not given back",
    "update wallet set refundable = 0",
  ],
  [
    "wallets are charged what their orders cost, and refunded what is cancelled",
    "update orders set total = total + 1",
  ],
  [
    "what was sold, less what was refunded, is what orders by wallet cost",
    "update ledger_entry set account = 'CASH' where account = 'SALES'",
  ],
  ["an order has one payment, which stands as the order does", "update payment set state = 'DUE'"],
];

test("all rules are here, and nothing breaks one", async () => {
  const text = await readFile(join(CITY_FILES.functions!, "9-invariants.sql"), "utf8");
  const rules = [...text.matchAll(/select '([^']+)',\s+to_jsonb/g)].map(([, rule]) => rule);
  expect(SABOTAGE.map(([rule]) => rule)).toEqual(rules);
  await dakar.expectSound();
});

/** The rules that a change breaks. The rules of the tables and the triggers are switched off. */
async function brokenBy(statement: string): Promise<string[]> {
  try {
    await dakar.db.exec(`begin; set local session_replication_role = replica; ${UNCHECKED}; ${statement}`);
    const broken = await dakar.rows<{ rule: string }>("select distinct rule from broken_invariants()");
    return broken.map(({ rule }) => rule);
  } finally {
    await dakar.db.exec("rollback");
  }
}

test.each(SABOTAGE)("«%s» finds it", async (rule, statement) => {
  expect(await brokenBy(statement)).toContain(rule);
});

test.each([
  ["PLACED", "VOIDED"],
  ["PLACED", "REFUNDED"],
  ["CANCELLED", "CAPTURED"],
])("an order that is %s has no payment by a company that is %s", async (status, state) => {
  const statement = `
    update orders set payment_method = 'MOBILE_MONEY' where status = '${status}';
    update payment set method = 'MOBILE_MONEY', state = '${state}'
      where transaction_id in (select id from orders where status = '${status}')`;
  expect(await brokenBy(statement)).toContain("an order has one payment, which stands as the order does");
});

test.each(["DUE", "CAPTURED", "REFUNDING", "REFUNDED"])(
  "no payment is %s without an order",
  async (state) => {
    const statement = `
    insert into payment (transaction_id, client_id, method, amount, state)
    values ('dakar:other', 'dakar:1', 'MOBILE_MONEY', 1, '${state}')`;
    expect(await brokenBy(statement)).toEqual(["an order has one payment, which stands as the order does"]);
  },
);

/** Drops the constraints on single rows. */
const UNCHECKED = `
  do $$ declare it record; begin
    for it in select conrelid::regclass as owner, conname from pg_constraint
      where contype = 'c' and connamespace = 'public'::regnamespace and conrelid <> 0
    loop execute format('alter table %s drop constraint %I', it.owner, it.conname); end loop;
  end $$`;
