import type { Sql } from "@teranga/kit/database.ts";
import type { Clock } from "@teranga/kit/retry.ts";
import { type CommitAnswer, type CommitRow, commitInOrder } from "./commit-answer.ts";

export interface CancellationRequest {
  transactionId: string;
  orderId: string;
  idempotencyKey: string;
  requestHash: string;
}

/** The commit point of cancellations. Answers come in the order of the requests. */
export function commitCancellations(
  sql: Sql,
  requests: CancellationRequest[],
  clock: Clock,
): Promise<CommitAnswer[]> {
  return commitInOrder(
    sql,
    requests,
    clock,
    (now, tellAt) => sql<CommitRow[]>`
      select transaction_id as "transactionId", answer
      from commit_cancellations(${sql.json(requests as never)}, ${now}, ${tellAt})`,
  );
}
