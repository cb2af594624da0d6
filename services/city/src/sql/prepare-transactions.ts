import { retryLostTransaction, type Sql } from "@teranga/kit/database.ts";
import type { Clock } from "@teranga/kit/retry.ts";
import type { TransactionKind } from "../city-messages.ts";
import type { ProductQuantity } from "../model.ts";

export interface PrepareRequest {
  transactionId: string;
  kind: TransactionKind;
  deadline: Date;
  lines: ProductQuantity[];
}

export interface StockShortage {
  productId: string;
  requested: number;
  available: number;
}

export interface PrepareAnswer {
  transactionId: string;
  state: "PREPARED" | "REFUSED" | "ABORTED" | "VIOLATION" | "FAILED";
  shortages: StockShortage[];
}

/** Sets stock aside, all lines of a transaction or none. Answers come in the order of the requests. */
export async function prepareTransactions(
  sql: Sql,
  requests: PrepareRequest[],
  clock: Clock,
): Promise<PrepareAnswer[]> {
  if (requests.length === 0) return [];
  return retryLostTransaction(
    sql,
    () => sql<PrepareAnswer[]>`
    select transaction_id as "transactionId", state, shortages
    from prepare_transactions(${sql.json(requests as never)}, ${new Date(clock.nowMs())})`,
  );
}
