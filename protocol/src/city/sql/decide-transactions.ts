import { retryLostTransaction, type Sql } from "@teranga/kit/postgres/database.ts";
import type { DecideAnswer, DecideMessage } from "../../messages.ts";
import type { CityClock } from "../city-clock.ts";
import type { IsNew } from "./is-new.ts";

export interface DecideReply extends IsNew {
  transactionId: string;
  state: DecideAnswer["state"] | "FAILED";
}

/** Applies decisions to this city's participations. Answers come in the order of the decisions. */
export async function decideTransactions(
  sql: Sql,
  decisions: readonly DecideMessage[],
  clock: CityClock,
): Promise<DecideReply[]> {
  if (decisions.length === 0) return [];
  return retryLostTransaction(
    sql,
    () => sql<DecideReply[]>`
    select transaction_id as "transactionId", state, is_new as "isNew"
    from decide_transactions(${sql.json(decisions as never)}, ${clock.now(sql)})`,
  );
}
