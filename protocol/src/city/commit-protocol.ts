/**
 * The messages of the commit protocol, applied to a city's database. Each call takes a
 * batch and answers in its order.
 */
import type { Sql } from "@teranga/kit/postgres/database.ts";
import { commitCancellations } from "./sql/commit-cancellations.ts";
import { commitOrders } from "./sql/commit-orders.ts";
import { commitTransfers } from "./sql/commit-transfers.ts";
import { decideTransactions } from "./sql/decide-transactions.ts";
import { prepareTransactions } from "./sql/prepare-transactions.ts";
import { transactionOutcomes } from "./sql/transaction-outcomes.ts";

/** The type of a function of `sql/` without its database parameter. */
type OnDatabase<Operation> = Operation extends (sql: Sql, ...rest: infer Rest) => infer Answers
  ? (...rest: Rest) => Answers
  : never;

/** The benchmarks replace it by classic two-phase commit; nothing else does. */
export interface CommitProtocol {
  prepare: OnDatabase<typeof prepareTransactions>;
  commitOrders: OnDatabase<typeof commitOrders>;
  commitCancellations: OnDatabase<typeof commitCancellations>;
  commitTransfers: OnDatabase<typeof commitTransfers>;
  decide: OnDatabase<typeof decideTransactions>;
  outcome: OnDatabase<typeof transactionOutcomes>;
}

export function createCommitProtocol(sql: Sql): CommitProtocol {
  return {
    prepare: (entries, clock) => prepareTransactions(sql, entries, clock),
    commitOrders: (entries, clock) => commitOrders(sql, entries, clock),
    commitCancellations: (entries, clock) => commitCancellations(sql, entries, clock),
    commitTransfers: (entries, warehouse, clock) => commitTransfers(sql, entries, warehouse, clock),
    decide: (entries, clock) => decideTransactions(sql, entries, clock),
    outcome: (entries, clock) => transactionOutcomes(sql, entries, clock),
  };
}
