/** Planted bugs: wallets, the ledger, payments, prices. */
import type { PlantedBug } from "../../harness/planted-bug.ts";

const TABLES = "protocol/migrations/001.do.tables.sql";
const ORDERS = "protocol/functions/4-orders.sql";
const WALLET = "protocol/functions/6-wallet.sql";
const PLACE_ORDER = "services/orders/src/order/place-order.ts";

export const IN_MONEY: readonly PlantedBug[] = [
  {
    // The stock comes back, the client's money does not.
    name: "return-without-refund",
    edits: [
      {
        file: ORDERS,
        find: "if cancelled.payment_method = 'WALLET' and cancelled.total > 0 then",
        replace: "if false then",
      },
    ],
  },
  {
    // A wallet pays what it does not hold.
    name: "wallet-overdrawn",
    edits: [
      { file: ORDERS, find: "    if held < total then", replace: "    if false then" },
      {
        file: TABLES,
        find: "balance bigint not null check (balance between 0 and 9007199254740991),\n",
        replace: "balance bigint not null,\n",
      },
    ],
  },
  {
    // The wallet pays without an entry in the ledger.
    name: "paid-outside-the-ledger",
    edits: [
      {
        file: ORDERS,
        find: "    perform post_to_wallet(buyer_id, -cost, 'SALES', 'PURCHASE', transaction, null, now_at);",
        replace: "    update wallet set balance = balance - cost where client_id = buyer_id;",
      },
    ],
  },
  {
    // A cancellation refunds what the home has given, not what the order has cost.
    name: "refund-of-the-home's-share",
    edits: [
      {
        file: ORDERS,
        find: "cancelled.client_id, cancelled.total, 'SALES', 'REFUND'",
        replace:
          "cancelled.client_id, (select coalesce(nullif(sum(a.quantity * l.unit_price), 0), 1)::bigint from order_allocation a join order_line l using (order_id, product_id) where a.order_id = cancelled.id and a.city_id = here), 'SALES', 'REFUND'",
      },
    ],
  },
  {
    // An order costs the sum of its prices.
    name: "total-without-quantities",
    edits: [
      {
        file: ORDERS,
        find: "select sum((line ->> 'quantity')::bigint * (line ->> 'unitPrice')::bigint)::bigint",
        replace: "select sum((line ->> 'unitPrice')::bigint)::bigint",
      },
    ],
  },
  {
    // A top-up that comes again is added again.
    name: "top-up-twice",
    edits: [
      {
        file: WALLET,
        find: "where p.client_id = owner_id and p.idempotency_key = key and p.reason = 'TOP_UP';",
        replace: "where false;",
      },
      {
        file: TABLES,
        find: "create unique index top_up_of_key",
        replace: "create index top_up_of_key",
      },
    ],
  },
  {
    // A top-up of another amount under the same key is said to be added.
    name: "any-amount-will-do",
    edits: [
      {
        file: WALLET,
        find: "'state', case when earlier.amount = change then 'ADDED' else 'KEY_REUSED' end",
        replace: "'state', 'ADDED'",
      },
    ],
  },
  {
    // The cash of a cancelled order is still due.
    name: "cancelled-but-due",
    edits: [
      {
        file: ORDERS,
        find: "case when state = 'DUE' then 'VOIDED'",
        replace: "case when state = 'DUE' then 'DUE'",
      },
    ],
  },
  {
    // The total that the client expects is not looked at.
    name: "price-not-compared",
    edits: [
      {
        file: PLACE_ORDER,
        find: "if (expectedTotal !== null && expectedTotal !== total) {",
        replace: "if (false) {",
      },
    ],
  },
];
