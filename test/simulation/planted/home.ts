/** Planted bugs: the commit point, and what the home says of it. */
import type { PlantedBug } from "../../harness/planted-bug.ts";

const TABLES = "protocol/migrations/001.do.tables.sql";
const TRIGGERS = "protocol/migrations/002.do.triggers.sql";
const HOME = "protocol/functions/3-home.sql";
const ORDERS = "protocol/functions/4-orders.sql";
const TRANSFERS = "protocol/functions/5-transfers.sql";
const ORDER_FACTS = "services/city/src/sql/get-order-facts.ts";
const COMMIT_PROTOCOL = "protocol/src/city/commit-protocol.ts";

export const IN_HOME: readonly PlantedBug[] = [
  {
    // What was aborted is pruned, and a late commit of it is taken for a new one.
    name: "pruned-taken-for-new",
    edits: [
      { file: HOME, find: "  if is_behind_horizon(transaction) then", replace: "  if false then" },
      {
        file: TRIGGERS,
        find: "for each row when (new.state = 'COMMITTED') execute function refuse_behind_horizon();",
        replace: "for each row when (false) execute function refuse_behind_horizon();",
      },
    ],
  },
  {
    // The home answers ABORTED for what is undecided, and does not write it down: a commit that is late goes
    // through.
    name: "no-fence",
    edits: [
      {
        file: HOME,
        find: '      order by id collate "C"',
        replace: "      where false order by id",
      },
      {
        file: HOME,
        find: "select d.transaction_id, d.state, coalesce(p.lines, '[]')",
        replace: "select e ->> 'transactionId', coalesce(d.state, 'ABORTED'), coalesce(p.lines, '[]')",
      },
      {
        file: HOME,
        find: "    join transaction_decision d on d.transaction_id = e ->> 'transactionId'",
        replace: "    left join transaction_decision d on d.transaction_id = e ->> 'transactionId'",
      },
    ],
  },
  {
    // The look-up before an order finds a used key; the commit point does not ask.
    name: "key-checked-only-up-front",
    edits: [
      {
        file: HOME,
        find: "  where kind = wanted_kind and coalesce(client_id, '') = coalesce(owner_id, '')",
        replace: "  where false and kind = wanted_kind and coalesce(client_id, '') = coalesce(owner_id, '')",
      },
      { file: TABLES, find: "create unique index decision_of_key", replace: "create index decision_of_key" },
    ],
  },
  {
    // The client gets the money back, the home's stock stays sold.
    name: "refund-without-return",
    edits: [
      {
        file: ORDERS,
        find: "  perform move_stock(given_lines(cancelled.id, here), 1, 0, 'RETURNED', transaction, now_at);\n",
        replace: "",
      },
    ],
  },
  {
    // An order that is cancelled already is cancelled once more, and refunded.
    name: "cancelled-twice",
    edits: [
      { file: ORDERS, find: "  elsif cancelled.status = 'CANCELLED' then", replace: "  elsif false then" },
      {
        file: TRIGGERS,
        find: `create trigger order_is_cancelled_once before update on orders
  for each row execute function check_order_change();`,
        replace: "",
      },
    ],
  },
  {
    // A transfer arrives twice.
    name: "transfer-arrives-twice",
    edits: [
      {
        file: TRANSFERS,
        find: "  perform move_stock(lines, 1, 0, 'TRANSFERRED', transaction, now_at);",
        replace: `  perform move_stock(lines, 1, 0, 'TRANSFERRED', transaction, now_at);
  perform move_stock(lines, 1, 0, 'TRANSFERRED', transaction, now_at);`,
      },
    ],
  },
  {
    // Of two participants that give the same, one is recorded.
    name: "one-of-two-equal",
    edits: [
      {
        file: ORDERS,
        find: "  select distinct transaction, a ->> 'cityId', allocated_lines(entry, a ->> 'cityId'), tell_at",
        replace:
          "  select distinct on (allocated_lines(entry, a ->> 'cityId')) transaction, a ->> 'cityId', allocated_lines(entry, a ->> 'cityId'), tell_at",
      },
    ],
  },
  {
    // The answers of a batch come in the order of transaction ids, not of the messages.
    name: "answers-in-the-order-of-ids",
    edits: [
      {
        file: COMMIT_PROTOCOL,
        find: "return messages.map(({ transactionId }) => byId.get(transactionId)!);",
        replace: "return [...byId.values()];",
      },
    ],
  },
  {
    // A transfer does not record the city that has to be told.
    name: "giver-not-recorded",
    edits: [
      {
        file: TRANSFERS,
        find: "    values (transaction, entry ->> 'fromCityId', lines, tell_at);",
        replace: "    select transaction, entry ->> 'fromCityId', lines, tell_at where false;",
      },
    ],
  },
  {
    // A cancellation records its participants with nothing to give back.
    name: "nobody-gets-back",
    edits: [
      {
        file: ORDERS,
        find: "'lines', given_lines(cancelled.id, city_id))",
        replace: "'lines', '[]'::jsonb)",
      },
    ],
  },
  {
    // The home says COMMITTED and not of what.
    name: "outcome-without-lines",
    edits: [
      {
        file: HOME,
        find: "coalesce(p.lines, '[]'), d.transaction_id = any (fenced)",
        replace: "'[]'::jsonb, d.transaction_id = any (fenced)",
      },
    ],
  },
  {
    // What the home sells stays on its shelf.
    name: "sold-without-taking",
    edits: [
      {
        file: ORDERS,
        find: `  perform move_stock(allocated_lines(entry, here), -1, 0, 'SOLD', transaction, now_at);
`,
        replace: "",
      },
    ],
  },
  {
    // A key that another client has used is taken for the client's own.
    name: "key-of-anybody",
    edits: [
      {
        file: ORDER_FACTS,
        find: "coalesce(client_id, '') = question ->> 'clientId' and idempotency_key",
        replace: "question ->> 'clientId' is not null and idempotency_key",
      },
    ],
  },
];
