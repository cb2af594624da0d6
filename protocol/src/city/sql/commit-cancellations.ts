import type { Sql } from "@teranga/kit/postgres/database.ts";
import type { CancellationCommit } from "../../messages.ts";
import type { CityClock } from "../city-clock.ts";
import { type CommitReply, type CommitRow, commitInOrder, TELL_GRACE } from "./commit-answer.ts";

/** The commit point of cancellations. Answers come in the order of the requests. */
export function commitCancellations(
  sql: Sql,
  requests: readonly CancellationCommit[],
  clock: CityClock,
): Promise<CommitReply[]> {
  return commitInOrder(
    sql,
    requests,
    () => sql<CommitRow[]>`
      select transaction_id as "transactionId", answer
      from commit_cancellations(${sql.json(requests as never)}, ${clock.now(sql)}, ${clock.now(sql)} + ${TELL_GRACE}::interval)`,
  );
}
