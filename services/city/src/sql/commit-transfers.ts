import type { Sql } from "@teranga/kit/database.ts";
import type { Clock } from "@teranga/kit/retry.ts";
import { type CommitAnswer, type CommitRow, commitInOrder } from "./commit-answer.ts";

export interface TransferRequest {
  transactionId: string;
  productId: string;
  fromCityId: string;
  quantity: number;
  idempotencyKey: string;
  requestHash: string;
}

/**
 * The commit point of transfers that this city receives. Answers come in the order of the requests.
 * @param warehouse where a product goes that this city never had
 */
export function commitTransfers(
  sql: Sql,
  requests: TransferRequest[],
  warehouse: string,
  clock: Clock,
): Promise<CommitAnswer[]> {
  return commitInOrder(
    sql,
    requests,
    clock,
    (now, tellAt) => sql<CommitRow[]>`
      select transaction_id as "transactionId", answer
      from commit_transfers(${sql.json(requests as never)}, ${warehouse}, ${now}, ${tellAt})`,
  );
}
