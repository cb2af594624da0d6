/**
 * The contract suite on the wallet, on a real server, so that simultaneous messages really are simultaneous.
 */
import type { Sql } from "@teranga/kit/postgres/database.ts";
import { cityClock } from "@teranga/protocol/city/city-clock.ts";
import { createCommitProtocol } from "@teranga/protocol/city/commit-protocol.ts";
import { expect, inject, test } from "vitest";
import type { PaymentRequest } from "./payment-provider.ts";
import { type ContractSubject, testProviderContract } from "./provider-contract.ts";
import { openTestCity, phoneOf } from "./test-city.ts";
import { createWalletProvider } from "./wallet-provider.ts";

const NOW = new Date("2026-01-01T00:00:00Z");

let sql: Sql;
let lastNumber = 0;
const newTransactionId = () => `dakar:00000000-0000-7000-8000-${String(++lastNumber).padStart(12, "0")}`;
const requestOf = (clientId: string, amount: number): PaymentRequest => ({
  transactionId: newTransactionId(),
  clientId,
  amount,
  phone: phoneOf(clientId),
});

testProviderContract(async () => {
  const database = await openTestCity("wallet_provider", inject("postgresUrl"));
  sql = database.sql;
  return {
    provider: createWalletProvider(sql, cityClock),
    newTransactionId,
    async newClient() {
      const id = `dakar:${++lastNumber}`;
      await sql`insert into client (id, name, email, town) values (${id}, 'n', ${`${id}@example.org`}, 'Dakar')`;
      return id;
    },
    async giveMoney(clientId, amount) {
      await sql`select top_up_wallet(${clientId}, ${amount}, ${`key ${++lastNumber}`}, 1000000, ${NOW})`;
    },
    moneyOf,
    placeOrder,
    cancelOrder,
    close: database.close,
  };
});

/** Taken money is read from the ledger, so each conservation check compares the wallet with the ledger. */
const moneyOf: ContractSubject["moneyOf"] = async (clientId) => {
  const [row] = await sql<{ free: number; held: number; taken: number }[]>`
    select coalesce(max(balance), 0)::int as free, coalesce(max(held), 0)::int as held,
      (select coalesce(-sum(amount), 0)::int from ledger_entry e join ledger_posting p on p.id = e.posting_id
        where e.client_id = ${clientId} and p.reason in ('PURCHASE', 'REFUND')) as taken
    from wallet where client_id = ${clientId}`;
  return { ...row! };
};

/** Writes the rows of the commit point, without its payment. */
async function placeOrder({ transactionId, clientId, amount }: PaymentRequest): Promise<void> {
  await sql.begin(async (tx) => {
    const placed = await tx`
      insert into transaction_decision (transaction_id, kind, state, client_id, idempotency_key, request_hash, answer, decided_at)
      values (${transactionId}, 'ORDER', 'COMMITTED', ${clientId}, ${transactionId}, 'hash', '{}', ${NOW})
      on conflict do nothing returning true`;
    if (placed.length === 0) return;
    await tx`insert into orders (id, client_id, status, total, payment_method, placed_at)
      values (${transactionId}, ${clientId}, 'PLACED', ${amount}, 'WALLET', ${NOW})`;
    await tx`insert into order_line (order_id, product_id, quantity, unit_price) values (${transactionId}, '101', 1, ${amount})`;
    await tx`insert into order_allocation (order_id, product_id, city_id, quantity) values (${transactionId}, '101', 'dakar', 1)`;
  });
}

async function cancelOrder(orderId: string): Promise<void> {
  const cancellation = newTransactionId();
  await sql.begin(async (tx) => {
    const [order] =
      await tx`select client_id from orders where id = ${orderId} and status = 'PLACED' for update`;
    if (!order) return;
    await tx`
      insert into transaction_decision (transaction_id, kind, state, client_id, idempotency_key, request_hash, answer, decided_at)
      values (${cancellation}, 'CANCELLATION', 'COMMITTED', ${order.client_id}, ${cancellation}, 'hash', '{}', ${NOW})`;
    await tx`update orders set status = 'CANCELLED', cancelled_by = ${cancellation}, cancelled_at = ${NOW} where id = ${orderId}`;
  });
}

test("takes nothing for an order that is not placed, and gives nothing back for one that is not cancelled", async () => {
  const provider = createWalletProvider(sql, cityClock);
  await sql`insert into client (id, name, email, town) values ('dakar:900001', 'n', 'n@example.org', 'Dakar')`;
  await sql`select top_up_wallet('dakar:900001', 300, 'key', 1000000, ${NOW})`;
  const request = requestOf("dakar:900001", 300);
  await provider.authorise(request);
  expect(await provider.capture(request.transactionId)).toBe("VIOLATION");
  await placeOrder(request);
  expect(await provider.capture(request.transactionId)).toBe("DONE");
  expect(await provider.refund(request.transactionId)).toBe("VIOLATION");
  expect(await moneyOf("dakar:900001")).toEqual({ free: 0, held: 0, taken: 300 });
});

/** Commits the order at the commit point, paid from the wallet. */
async function commitFromWallet({ transactionId, clientId, amount }: PaymentRequest): Promise<string> {
  const entry = {
    transactionId,
    clientId,
    idempotencyKey: transactionId,
    requestHash: "hash",
    paymentMethod: "WALLET",
    lines: [{ productId: "101", quantity: 1, unitPrice: amount }],
    allocations: [{ productId: "101", quantity: 1, cityId: "dakar" }],
  };
  const [answer] = await createCommitProtocol(sql).commitOrders([entry], cityClock);
  return answer!.state;
}

/** Every change of a client's wallet, with both ledger entries. */
const ledgerOf = async (clientId: string) => [
  ...(await sql`
    select reason, account, amount from ledger_posting p join ledger_entry e on posting_id = p.id
    where posting_id in (select posting_id from ledger_entry where client_id = ${clientId}) order by e.id`),
];

test("the commit point takes and gives back what authorise, capture and refund do, posting by posting", async () => {
  await sql`insert into stock (product_id, warehouse, on_hand) values ('101', 'Dakar', 100)`;
  const provider = createWalletProvider(sql, cityClock);
  const [collapsed, whole] = ["dakar:900002", "dakar:900003"];
  for (const id of [collapsed, whole]) {
    await sql`insert into client (id, name, email, town) values (${id}, 'n', ${id}, 'Dakar')`;
    await sql`select top_up_wallet(${id}, 1000, 'key', 1000000, ${NOW})`;
  }
  for (const amount of [300, 700, 301]) {
    const own = requestOf(collapsed, amount);
    const held = requestOf(whole, amount);
    const isCommitted = (await commitFromWallet(own)) === "COMMITTED";
    expect((await provider.authorise(held)) === "AUTHORISED").toBe(isCommitted);
    if (!isCommitted) continue;
    await placeOrder(held);
    await provider.capture(held.transactionId);
    expect(await ledgerOf(whole)).toEqual(await ledgerOf(collapsed));
    expect(await moneyOf(whole)).toEqual(await moneyOf(collapsed));
    if (amount !== 300) continue;
    const cancellation = { transactionId: newTransactionId(), orderId: own.transactionId };
    await createCommitProtocol(sql).commitCancellations(
      [{ ...cancellation, idempotencyKey: "k", requestHash: "h" }],
      cityClock,
    );
    await cancelOrder(held.transactionId);
    await provider.refund(held.transactionId);
    expect(await ledgerOf(whole)).toEqual(await ledgerOf(collapsed));
  }
  expect(await ledgerOf(whole)).toHaveLength(8);
});

test("what is held cannot pay for an order at the commit point, and what that has taken is not taken again", async () => {
  const provider = createWalletProvider(sql, cityClock);
  const clientId = "dakar:900004";
  await sql`insert into client (id, name, email, town) values (${clientId}, 'n', ${clientId}, 'Dakar')`;
  await sql`select top_up_wallet(${clientId}, 500, 'key', 1000000, ${NOW})`;
  const request = requestOf(clientId, 300);
  expect(await provider.authorise(request)).toBe("AUTHORISED");
  expect(await commitFromWallet(requestOf(clientId, 201))).toBe("DECLINED");
  await sql`select top_up_wallet(${clientId}, 100, 'key 2', 1000000, ${NOW})`;
  expect(await commitFromWallet(request)).toBe("COMMITTED");
  expect(await provider.capture(request.transactionId)).toBe("VIOLATION");
  expect(await moneyOf(clientId)).toEqual({ free: 0, held: 300, taken: 300 });
});

test("holds and commits of one wallet at once spend it once, and none fails", async () => {
  const provider = createWalletProvider(sql, cityClock);
  for (let round = 0; round < 15; round++) {
    const clientId = `dakar:${910_000 + round}`;
    await sql`insert into client (id, name, email, town) values (${clientId}, 'n', ${clientId}, 'Dakar')`;
    await sql`select top_up_wallet(${clientId}, 300, 'key', 1000000, ${NOW})`;
    const newRequest = () => requestOf(clientId, 300);
    const answers = await Promise.all(
      Array.from({ length: 3 }, () => [
        commitFromWallet(newRequest()),
        provider.authorise(newRequest()),
      ]).flat(),
    );
    expect(answers.filter((answer) => answer !== "DECLINED")).toHaveLength(1);
  }
});

test("ends with a ledger that adds up to zero and explains every wallet", async () => {
  const [ledger] = await sql`select sum(amount)::int as sum, count(*)::int as entries from ledger_entry`;
  expect(ledger!.sum).toBe(0);
  expect(ledger!.entries).toBeGreaterThan(100);
  const unexplained = await sql`
    select client_id from wallet join ledger_entry using (client_id)
    group by client_id, balance, held having balance + held <> sum(amount)`;
  expect([...unexplained]).toEqual([]);
});
