/**
 * Branches of the SQL functions that no run can take, and why. The beginning of a name stands for all that
 * have it.
 */
import { BRANCHES } from "./branches.ts";

const REASONS: Readonly<Record<string, readonly string[]>> = {
  "There are no payments by a provider outside (test/payments).": [
    "wallet_authorise:",
    "wallet_capture:",
    "wallet_void:",
    "wallet_refund:",
    "judge_order: if entry ->> 'paymentMethod' <>",
    "write_order: unless paid_by in ('WALLET', 'CASH_ON_DELIVERY')",
    "write_cancellation: case not method =",
    "write_cancellation: case method not in",
  ],
  "The topology does not change (services/city/src/topology-change.test.ts).": ["set_fragment:"],
  "All clients are of their city, and known (services/city/src/protocol.test.ts).": [
    "check_town: if not coalesce(is_own_town(new.town_key, rule), false)",
    "judge_order: if not exists (select from client where id = entry ->> 'clientId')",
    "top_up_wallet: if not found",
  ],
  "No level or balance comes near its limit (services/city/src/room.test.ts).": [
    "judge_transfer: if (entry",
    "top_up_wallet: if known.balance",
  ],
  "Statements run one after the other (services/city/src/contention.test.ts, pruning-races.test.ts).": [
    "prepare_transactions: if not found",
    "decide_transactions: if state = 'VIOLATION'",
    "transaction_outcomes: on unique_violation",
    "transaction_outcomes: if answered <> jsonb_array_length(entries)",
    "commit_entry: if not found",
    "refuse_behind_horizon: if exists",
  ],
  "Only a bug takes them: the simulation looks for it.": [
    "prepare_transactions: case not p.kind",
    "decide_transactions: case not transaction_id = any (locked)",
    "apply_decision: if entry ->> 'decision' = 'COMMITTED' and",
    "repeat_answer: case not earlier.message_digest",
    "check_order_adds_up: if new.total",
    "check_order_adds_up: if exists",
    "check_order_change: if old.status",
    "check_decision_has_happened: if not exists",
    "check_posting_balances: if (select coalesce",
    "check_horizon_moves_forward: if",
  ],
};

const beginnings = Object.values(REASONS).flat();

export const UNREACHED_BRANCHES: readonly string[] = BRANCHES.filter((branch) =>
  beginnings.some((beginning) => branch.startsWith(beginning)),
);

/** What the list names and no function has. */
export const UNKNOWN_BRANCHES: readonly string[] = beginnings.filter(
  (beginning) => !BRANCHES.some((branch) => branch.startsWith(beginning)),
);
