import { retryLostTransaction, type Sql } from "@teranga/kit/database.ts";
import type { Clock } from "@teranga/kit/retry.ts";
import type { OutcomeAnswer } from "../city-messages.ts";
import type { IsNew } from "../model.ts";

/** Says how transactions of this home were decided; an undecided one is fenced. Answers come in the order asked. */
export async function transactionOutcomes(
  sql: Sql,
  questions: { transactionId: string; cityId: string }[],
  clock: Clock,
): Promise<(OutcomeAnswer & IsNew)[]> {
  if (questions.length === 0) return [];
  return retryLostTransaction(
    sql,
    () => sql<(OutcomeAnswer & IsNew)[]>`
    select transaction_id as "transactionId", state, lines, is_new as "isNew"
    from transaction_outcomes(${sql.json(questions as never)}, ${new Date(clock.nowMs())})`,
  );
}
