import { retryLostTransaction, type Sql } from "@teranga/kit/postgres/database.ts";
import type { OutcomeAnswer, OutcomeMessage, ProductQuantity } from "../../messages.ts";
import type { CityClock } from "../city-clock.ts";
import type { IsNew } from "./is-new.ts";

export interface OutcomeReply extends IsNew {
  transactionId: string;
  state: OutcomeAnswer["state"] | "FAILED";
  lines: ProductQuantity[];
}

/**
 * Answers how transactions of this home were decided, and fences the undecided ones. Answers come in the
 * order of the questions.
 */
export async function transactionOutcomes(
  sql: Sql,
  questions: readonly OutcomeMessage[],
  clock: CityClock,
): Promise<OutcomeReply[]> {
  if (questions.length === 0) return [];
  return retryLostTransaction(
    sql,
    () => sql<OutcomeReply[]>`
    select transaction_id as "transactionId", state, lines, is_new as "isNew"
    from transaction_outcomes(${sql.json(questions as never)}, ${clock.now(sql)})`,
  );
}
