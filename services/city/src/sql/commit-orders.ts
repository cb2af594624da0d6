import { retryLostTransaction, type Sql } from "@teranga/kit/database.ts";
import type { Clock } from "@teranga/kit/retry.ts";
import type { ProductQuantity } from "../model.ts";
import type { StockShortage } from "./prepare-transactions.ts";

export interface CommitRequest {
  transactionId: string;
  clientId: string;
  idempotencyKey: string;
  requestHash: string;
  lines: (ProductQuantity & { unitPrice: number })[];
  allocations: (ProductQuantity & { cityId: string })[];
  paymentMethod: "CASH_ON_DELIVERY";
}

export interface CommitAnswer {
  transactionId: string;
  state: "COMMITTED" | "REPLAYED" | "REFUSED" | "ABORTED" | "KEY_REUSED" | "UNKNOWN_CLIENT" | "VIOLATION";
  orderId: string | null;
  shortages: StockShortage[];
}

/**
 * How long the orchestrator has to tell the participants before the home does. Its message takes a few milliseconds, so the home's
 * own finds the decision applied nearly always and only brings back the acknowledgement, for many orders in one batch.
 */
const CONFIRM_GRACE_MS = 2_000;

/** The commit point of orders. Answers come in the order of the requests. */
export async function commitOrders(
  sql: Sql,
  requests: CommitRequest[],
  clock: Clock,
): Promise<CommitAnswer[]> {
  if (requests.length === 0) return [];
  const nowMs = clock.nowMs();
  // The function decides in the order of transaction ids, which is its lock order.
  const answers = await retryLostTransaction(
    () => sql<CommitAnswer[]>`
      select transaction_id as "transactionId", state, order_id as "orderId", shortages
      from commit_orders(${sql.json(requests as never)}, ${new Date(nowMs)}, ${new Date(nowMs + CONFIRM_GRACE_MS)})`,
  );
  const byId = new Map(answers.map((answer) => [answer.transactionId, answer]));
  return requests.map(({ transactionId }) => byId.get(transactionId)!);
}
