import { retryLostTransaction, type Sql } from "@teranga/kit/postgres/database.ts";
import type { PrepareAnswer, PrepareMessage, StockShortage } from "../../messages.ts";
import type { CityClock } from "../city-clock.ts";

export interface PrepareReply {
  transactionId: string;
  state: PrepareAnswer["state"] | "FAILED";
  shortages: StockShortage[];
}

/**
 * The bounds of a lease. With a shorter lease this city would ask, and so fence, while the orchestrator is
 * still on its way to the commit point. With a longer one, an orchestrator that died could keep stock set
 * aside for as long as it pleased.
 */
const LEASE_MIN_MS = 1_000;
const LEASE_MAX_MS = 60_000;

/**
 * Sets stock aside for transactions: all lines of a transaction or none. Answers come in the order of the
 * requests. This city adds the lease to its database's time, so no two clocks are compared.
 */
export async function prepareTransactions(
  sql: Sql,
  requests: readonly PrepareMessage[],
  clock: CityClock,
): Promise<PrepareReply[]> {
  if (requests.length === 0) return [];
  const entries = requests.map((request) => ({
    ...request,
    leaseMs: Math.min(Math.max(request.leaseMs, LEASE_MIN_MS), LEASE_MAX_MS),
  }));
  const rows = await retryLostTransaction(
    sql,
    () => sql<PrepareReply[]>`
    select transaction_id as "transactionId", state, shortages
    from prepare_transactions(${sql.json(entries as never)}, ${clock.now(sql)})`,
  );
  const answers = new Map(rows.map((answer) => [answer.transactionId, answer]));
  return requests.map(({ transactionId }) => answers.get(transactionId)!);
}
