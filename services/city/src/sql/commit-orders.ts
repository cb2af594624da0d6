import type { Sql } from "@teranga/kit/database.ts";
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
 * How long the orchestrator has to confirm with the participants itself before the home does: its message takes a few
 * milliseconds, so a home that waits 2 s sends hardly any twice.
 */
const CONFIRM_GRACE_MS = 2_000;

/** The commit point of orders. Answers come in the order of transaction ids. */
export async function commitOrders(
  sql: Sql,
  requests: CommitRequest[],
  clock: Clock,
): Promise<CommitAnswer[]> {
  if (requests.length === 0) return [];
  const nowMs = clock.nowMs();
  return sql<CommitAnswer[]>`
    select transaction_id as "transactionId", state, order_id as "orderId", shortages
    from commit_orders(${sql.json(requests as never)}, ${new Date(nowMs)}, ${new Date(nowMs + CONFIRM_GRACE_MS)})`;
}
