import type { Sql } from "@teranga/kit/postgres/database.ts";
import type { Clock } from "@teranga/kit/process/retry.ts";
import type { CancellationCommit } from "../../messages.ts";
import { type CommitReply, type CommitRow, commitInOrder } from "./commit-answer.ts";

/** The commit point of cancellations. Answers come in the order of the requests. */
export function commitCancellations(
  sql: Sql,
  requests: readonly CancellationCommit[],
  clock: Clock,
): Promise<CommitReply[]> {
  return commitInOrder(
    sql,
    requests,
    clock,
    (now, tellAt) => sql<CommitRow[]>`
      select transaction_id as "transactionId", answer
      from commit_cancellations(${sql.json(requests as never)}, ${now}, ${tellAt})`,
  );
}
