import type { Sql } from "@teranga/kit/postgres/database.ts";
import type { TransferCommit } from "../../messages.ts";
import type { CityClock } from "../city-clock.ts";
import { type CommitReply, type CommitRow, commitInOrder, TELL_GRACE } from "./commit-answer.ts";

/**
 * The commit point of transfers that this city receives. Answers come in the order of the requests.
 * @param warehouse where a product goes that this city has never had
 */
export function commitTransfers(
  sql: Sql,
  requests: readonly TransferCommit[],
  warehouse: string,
  clock: CityClock,
): Promise<CommitReply[]> {
  return commitInOrder(
    sql,
    requests,
    () => sql<CommitRow[]>`
      select transaction_id as "transactionId", answer
      from commit_transfers(${sql.json(requests as never)}, ${warehouse}, ${clock.now(sql)}, ${clock.now(sql)} + ${TELL_GRACE}::interval)`,
  );
}
