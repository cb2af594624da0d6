/** Planted bugs: what a city does that gives. */
import type { PlantedBug } from "../../harness/planted-bug.ts";

const TRIGGERS = "protocol/migrations/002.do.triggers.sql";
const PARTICIPANT = "protocol/functions/2-participant.sql";
const RULES = "protocol/functions/8-rules.sql";
const PRUNE = "protocol/src/city/sql/prune-aborted.ts";
const RECOVERY = "protocol/src/city/recovery.ts";
const COMMIT_PROTOCOL = "protocol/src/city/commit-protocol.ts";

export const IN_PARTICIPANT: readonly PlantedBug[] = [
  {
    // A participant prunes what is in doubt too, once it is old.
    name: "doubt-pruned",
    edits: [
      {
        file: PRUNE,
        find: `      where state = 'ABORTED' and split_part(transaction_id, ':', 2) < (select bound from horizon)
      order by`,
        replace: `      where state <> 'COMMITTED' and split_part(transaction_id, ':', 2) < (select bound from horizon)
      order by`,
      },
      {
        file: TRIGGERS,
        find: `create trigger participation_stays before delete on participation
  for each row when (old.state <> 'ABORTED' or`,
        replace: `create trigger participation_stays before delete on participation
  for each row when (old.state = 'COMMITTED' or`,
      },
      {
        file: RULES,
        find: "where transaction_id = transaction and state = 'ABORTED')",
        replace: "where transaction_id = transaction and state <> 'COMMITTED')",
      },
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
    // A cancellation that comes again gives the stock back again.
    name: "returned-twice",
    edits: [
      {
        file: PARTICIPANT,
        find: "      state := case\n        when transaction_id = any (locked) then",
        replace: `      if entry ->> 'kind' = 'CANCELLATION' then
        perform move_stock(lines, 1, 0, 'RETURNED', transaction_id, now_at);
      end if;
      state := case
        when transaction_id = any (locked) then`,
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
    // What an ABORT releases stays set aside.
    name: "release-keeps-stock",
    edits: [
      {
        file: PARTICIPANT,
        find: "perform move_stock(held, 0, -1, 'RELEASED', transaction, now_at);",
        replace: "perform move_stock(held, 0, 0, 'RELEASED', transaction, now_at);",
      },
    ],
  },
  {
    // An ABORT that comes before its prepare leaves nothing behind.
    name: "early-abort-forgotten",
    edits: [
      {
        file: PARTICIPANT,
        find: `    where e ->> 'decision' = 'ABORTED'
      or e ->> 'kind'`,
        replace: "    where e ->> 'kind'",
      },
    ],
  },
  {
    // What is confirmed stays on the shelf.
    name: "confirmed-without-taking",
    edits: [
      {
        file: PARTICIPANT,
        find: "perform move_stock(held, -1, -1, 'CONFIRMED', transaction, now_at);",
        replace: "perform move_stock(held, 0, -1, 'CONFIRMED', transaction, now_at);",
      },
    ],
  },
  {
    // A participant notes a cancellation, and gives nothing back to its stock.
    name: "nothing-returned",
    edits: [
      {
        file: PARTICIPANT,
        find: "perform move_stock(lines, 1, 0, 'RETURNED', transaction_id, now_at);",
        replace: "perform move_stock(lines, 0, 0, 'RETURNED', transaction_id, now_at);",
      },
    ],
  },
  {
    // A participant takes each prepare for one of an order.
    name: "all-are-orders",
    edits: [
      {
        file: PARTICIPANT,
        find: "select e ->> 'transactionId', e ->> 'kind', 'PREPARED'",
        replace: "select e ->> 'transactionId', 'ORDER', 'PREPARED'",
      },
    ],
  },
  {
    // The lease begins when the orchestrator's clock says that it has sent the prepare.
    name: "deadline-by-another-clock",
    edits: [
      {
        file: COMMIT_PROTOCOL,
        find: "leaseMs: Math.min(",
        replace: `leaseMs: Number.parseInt(
        message.transactionId.split(":")[1]!.replaceAll("-", "").slice(0, 12), 16) - clock.nowMs() + Math.min(`,
      },
    ],
  },
  {
    // A participant takes no notice of the lease, and asks at once.
    name: "no-lease",
    edits: [
      {
        file: COMMIT_PROTOCOL,
        find: "Math.min(Math.max(message.leaseMs, LEASE_MIN_MS), LEASE_MAX_MS)",
        replace: "Math.min(Math.max(message.leaseMs, LEASE_MIN_MS), LEASE_MAX_MS) * 0",
      },
    ],
  },
];
