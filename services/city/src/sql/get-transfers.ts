import type { Queryable } from "@teranga/kit/postgres/database.ts";
import type { TransferRow } from "../model.ts";

/** The transfers to this city among these transactions, in no order. */
export function getTransfers(sql: Queryable, transactionIds: readonly string[]): Promise<TransferRow[]> {
  return sql<TransferRow[]>`
    select transaction_id as "transactionId", product_id as "productId", from_city_id as "fromCityId", quantity
    from stock_transfer where transaction_id = any (${transactionIds as string[]}::text[])`;
}
