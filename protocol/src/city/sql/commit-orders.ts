import type { Sql } from "@teranga/kit/postgres/database.ts";
import type { Clock } from "@teranga/kit/process/retry.ts";
import type { OrderCommit } from "../../messages.ts";
import { type CommitReply, type CommitRow, commitInOrder } from "./commit-answer.ts";

/** The commit point of orders. Answers come in the order of the requests. */
export function commitOrders(
  sql: Sql,
  requests: readonly OrderCommit[],
  clock: Clock,
): Promise<CommitReply[]> {
  return commitInOrder(
    sql,
    requests,
    clock,
    (now, tellAt) => sql<CommitRow[]>`
      select transaction_id as "transactionId", answer from commit_orders(${sql.json(requests as never)}, ${now}, ${tellAt})`,
  );
}
