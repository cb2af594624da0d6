import { retryLostTransaction, type Sql } from "@teranga/kit/postgres/database.ts";
import type { Clock } from "@teranga/kit/process/retry.ts";
import type { PrepareAnswer, PrepareMessage, StockShortage } from "../../messages.ts";

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
 * requests. This city adds the lease to its own clock, so no clock is compared with another machine's.
 */
export async function prepareTransactions(
  sql: Sql,
  requests: readonly PrepareMessage[],
  clock: Clock,
): Promise<PrepareReply[]> {
  if (requests.length === 0) return [];
  const now = new Date(clock.nowMs());
  const entries = requests.map(({ leaseMs, ...request }) => ({
    ...request,
    deadline: new Date(now.getTime() + Math.min(Math.max(leaseMs, LEASE_MIN_MS), LEASE_MAX_MS)),
  }));
  const rows = await retryLostTransaction(
    sql,
    () => sql<PrepareReply[]>`
    select transaction_id as "transactionId", state, shortages
    from prepare_transactions(${sql.json(entries as never)}, ${now})`,
  );
  const answers = new Map(rows.map((answer) => [answer.transactionId, answer]));
  return requests.map(({ transactionId }) => answers.get(transactionId)!);
}
