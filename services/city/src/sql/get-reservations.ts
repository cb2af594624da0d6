import type { Queryable } from "@teranga/kit/postgres/database.ts";
import type { ProductQuantity } from "@teranga/protocol/messages.ts";

/** What these transactions hold, were given or gave back in this city, by product. */
export function getReservations(
  sql: Queryable,
  transactionIds: readonly string[],
): Promise<(ProductQuantity & { transactionId: string })[]> {
  return sql<(ProductQuantity & { transactionId: string })[]>`
    select transaction_id as "transactionId", product_id as "productId", quantity from reservation
    where transaction_id = any (${transactionIds as string[]}::text[]) order by transaction_id, product_id`;
}
