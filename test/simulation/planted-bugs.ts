/** Mistakes that a commit protocol can have, each a change of our source. The simulation has to find every one. */

export interface PlantedBug {
  name: string;
  edits: readonly Edit[];
}

export interface Edit {
  /** From the root of the repository. */
  file: string;
  /** What is replaced; it is there exactly once. */
  find: string;
  replace: string;
}

const MONEY = "services/city/migrations/005.do.money-and-kinds.sql";
const PARTICIPANT = "services/city/migrations/006.do.participant-kinds.sql";
const HOME = "services/city/migrations/007.do.home-kinds.sql";
const RECOVERY = "services/city/src/recovery.ts";
const CLAIM = "services/city/src/sql/claim-unacknowledged.ts";
const TRANSACTION = "services/orders/src/transaction.ts";
const PLACE_ORDER = "services/orders/src/place-order.ts";
const TRANSFER = "services/orders/src/transfer-stock.ts";

export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    // The home answers ABORTED for what is undecided, and does not write it down: a commit that is late goes through.
    name: "no-fence",
    edits: [
      {
        file: HOME,
        find: "from (select distinct e ->> 'transactionId' as id from jsonb_array_elements(entries) e) asked order by id collate \"C\"",
        replace:
          "from (select distinct e ->> 'transactionId' as id from jsonb_array_elements(entries) e) asked where false order by id",
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
    // The participants are told COMMITTED as soon as all have prepared, before the home has decided.
    name: "decide-before-commit",
    edits: [
      {
        file: TRANSACTION,
        find: '  if (votes.every(({ answer }) => answer.state === "PREPARED")) {\n',
        replace: `  if (votes.every(({ answer }) => answer.state === "PREPARED")) {
    const [transactionId, kind] = [idOf(transaction), transaction.message.kind];
    for (const [cityId, lines] of transaction.participants)
      means.messages.decide(cityId, { transactionId, kind, decision: "COMMITTED", lines }, 1_000).catch(() => {});
`,
      },
    ],
  },
  {
    // No answer to a commit is taken for a no.
    name: "abort-on-lost-answer",
    edits: [
      {
        file: TRANSACTION,
        find: "if (sends >= COMMIT_SENDS_MAX) return",
        replace:
          'return ended(aborted(transaction, { kind: "home-unreachable" }));\n    if (sends >= COMMIT_SENDS_MAX) return',
      },
    ],
  },
  {
    // The orchestrator takes a home that answers neither commit nor outcome for one that has not committed.
    name: "abort-on-silent-home",
    edits: [
      { file: TRANSACTION, find: "  if (!commitMayHaveArrived) return aborted", replace: "  return aborted" },
    ],
  },
  {
    // A participant that cannot reach the home past the deadline releases its stock.
    name: "participant-guesses",
    edits: [
      {
        file: RECOVERY,
        find: `      const outcomes = await messages.outcome(
        home,
        rows.map(({ transactionId }) => ({ transactionId, cityId: city.id })),
      );`,
        replace: `      const outcomes = await messages
        .outcome(home, rows.map(({ transactionId }) => ({ transactionId, cityId: city.id })))
        .catch(() => rows.map(({ transactionId }) => ({ transactionId, state: "ABORTED" as const, lines: [] })));`,
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
      { file: MONEY, find: "create unique index decision_of_key", replace: "create index decision_of_key" },
    ],
  },
  {
    // A further try of an order goes under the id of the first one.
    name: "same-transaction-id",
    edits: [
      {
        file: PLACE_ORDER,
        find: `    transactionId: \`\${homeId}:\${context.newId()}\`,
    clientId,`,
        replace: `    transactionId: ((request as { id?: string }).id ??= \`\${homeId}:\${context.newId()}\`),
    clientId,`,
      },
    ],
  },
  {
    // A decision that comes again is applied again.
    name: "decide-applied-twice",
    edits: [
      {
        file: PARTICIPANT,
        find: "    where transaction_id = transaction and state = 'PREPARED';",
        replace: "    where transaction_id = transaction;",
      },
    ],
  },
  {
    // The client gets the money back, the home's stock stays sold.
    name: "refund-without-return",
    edits: [
      {
        file: HOME,
        find: "  perform move_stock(given_lines(cancelled.id, here), 1, 0, 'RETURNED', transaction, now_at);\n",
        replace: "",
      },
    ],
  },
  {
    // The stock comes back, the client's money does not.
    name: "return-without-refund",
    edits: [
      {
        file: HOME,
        find: "if cancelled.payment_method = 'WALLET' and cancelled.total > 0 then",
        replace: "if false then",
      },
    ],
  },
  {
    // A cancellation that comes again gives the stock back again.
    name: "returned-twice",
    edits: [
      {
        file: PARTICIPANT,
        find: "      state := case when transaction_id = any (locked) then",
        replace: `      if entry ->> 'kind' = 'CANCELLATION' then
        perform move_stock(lines, 1, 0, 'RETURNED', transaction_id, now_at);
      end if;
      state := case when transaction_id = any (locked) then`,
      },
    ],
  },
  {
    // An order that is cancelled already is cancelled once more, and refunded.
    name: "cancelled-twice",
    edits: [
      { file: HOME, find: "  elsif cancelled.status = 'CANCELLED' then", replace: "  elsif false then" },
      {
        file: MONEY,
        find: "create trigger order_is_cancelled_once before update on orders for each row execute function check_order_change();",
        replace: "",
      },
    ],
  },
  {
    // In a batch, what was wanted by the first entry is given to the second.
    name: "batch-entry-leaks",
    edits: [
      {
        file: PARTICIPANT,
        find: "    wanted := sorted_lines(entry -> 'lines');",
        replace: "    wanted := coalesce(wanted, sorted_lines(entry -> 'lines'));",
      },
    ],
  },
  {
    // The home stops telling a participant after two tries.
    name: "worker-gives-up",
    edits: [
      {
        file: CLAIM,
        find: "where acknowledged_at is null and",
        replace: "where attempts < 2 and acknowledged_at is null and",
      },
    ],
  },
  {
    // The home notes that a participant was told when it has only tried to tell it.
    name: "acknowledged-unheard",
    edits: [
      {
        file: RECOVERY,
        find: "const answers = await messages.decide(cityId, decisions);",
        replace: `const answers = await messages
        .decide(cityId, decisions)
        .catch(() => rows.map(({ transactionId }) => ({ transactionId, state: "DONE" as const })));`,
      },
    ],
  },
  {
    // One yes is enough.
    name: "commit-before-all-votes",
    edits: [
      {
        file: TRANSACTION,
        find: 'if (votes.every(({ answer }) => answer.state === "PREPARED"))',
        replace: 'if (votes.some(({ answer }) => answer.state === "PREPARED"))',
      },
    ],
  },
  {
    // A wallet pays what it does not hold.
    name: "wallet-overdrawn",
    edits: [
      { file: HOME, find: "    if held < total then", replace: "    if false then" },
      {
        file: MONEY,
        find: "balance bigint not null check (balance between 0 and 9007199254740991)\n",
        replace: "balance bigint not null\n",
      },
    ],
  },
  {
    // The wallet pays without an entry in the ledger.
    name: "paid-outside-the-ledger",
    edits: [
      {
        file: HOME,
        find: "    perform post_to_wallet(buyer_id, -cost, 'SALES', 'PURCHASE', transaction, null, now_at);",
        replace: "    update wallet set balance = balance - cost where client_id = buyer_id;",
      },
    ],
  },
  {
    // A transfer arrives twice.
    name: "transfer-arrives-twice",
    edits: [
      {
        file: HOME,
        find: "  perform move_stock(lines, 1, 0, 'TRANSFERRED', transaction, now_at);",
        replace: `  perform move_stock(lines, 1, 0, 'TRANSFERRED', transaction, now_at);
  perform move_stock(lines, 1, 0, 'TRANSFERRED', transaction, now_at);`,
      },
    ],
  },
  {
    // The giving city is not asked whether it has what the receiving one takes.
    name: "transfer-without-prepare",
    edits: [
      {
        file: TRANSFER,
        find: "participants: new Map([[fromCityId, [{ productId, quantity }]]]),",
        replace: "participants: new Map(),",
      },
    ],
  },
];
