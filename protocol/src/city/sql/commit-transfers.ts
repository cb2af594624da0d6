import type { Sql } from "@teranga/kit/postgres/database.ts";
import type { Clock } from "@teranga/kit/process/retry.ts";
import type { TransferCommit } from "../../messages.ts";
import { type CommitReply, type CommitRow, commitInOrder } from "./commit-answer.ts";

/**
 * The commit point of transfers that this city receives. Answers come in the order of the requests.
 * @param warehouse where a product goes that this city has never had
 */
export function commitTransfers(
  sql: Sql,
  requests: readonly TransferCommit[],
  warehouse: string,
  clock: Clock,
): Promise<CommitReply[]> {
  return commitInOrder(
    sql,
    requests,
    clock,
    (now, tellAt) => sql<CommitRow[]>`
      select transaction_id as "transactionId", answer
      from commit_transfers(${sql.json(requests as never)}, ${warehouse}, ${now}, ${tellAt})`,
  );
}
