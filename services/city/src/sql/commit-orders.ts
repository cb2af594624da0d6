import type { Sql } from "@teranga/kit/database.ts";
import type { Clock } from "@teranga/kit/retry.ts";
import type { ProductQuantity } from "../model.ts";
import { type CommitAnswer, type CommitRow, commitInOrder } from "./commit-answer.ts";

export interface CommitRequest {
  transactionId: string;
  clientId: string;
  idempotencyKey: string;
  requestHash: string;
  lines: (ProductQuantity & { unitPrice: number })[];
  allocations: (ProductQuantity & { cityId: string })[];
  paymentMethod: string;
}

/** The commit point of orders. Answers come in the order of the requests. */
export function commitOrders(sql: Sql, requests: CommitRequest[], clock: Clock): Promise<CommitAnswer[]> {
  return commitInOrder(
    sql,
    requests,
    clock,
    (now, tellAt) => sql<CommitRow[]>`
      select transaction_id as "transactionId", answer from commit_orders(${sql.json(requests as never)}, ${now}, ${tellAt})`,
  );
}
