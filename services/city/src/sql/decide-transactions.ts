import { retryLostTransaction, type Sql } from "@teranga/kit/database.ts";
import type { Clock } from "@teranga/kit/retry.ts";
import type { DecideAnswer, Decision } from "../city-messages.ts";
import type { IsNew } from "../model.ts";

/** Applies decisions to what is prepared here. Answers come in the order of the decisions. */
export async function decideTransactions(
  sql: Sql,
  decisions: Decision[],
  clock: Clock,
): Promise<(DecideAnswer & IsNew)[]> {
  if (decisions.length === 0) return [];
  return retryLostTransaction(
    sql,
    () => sql<(DecideAnswer & IsNew)[]>`
    select transaction_id as "transactionId", state, is_new as "isNew"
    from decide_transactions(${sql.json(decisions as never)}, ${new Date(clock.nowMs())})`,
  );
}
