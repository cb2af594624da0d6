import type { Queryable } from "@teranga/kit/postgres/database.ts";
import type { ProductQuantity } from "@teranga/protocol/messages.ts";

/** The delivery of an idempotency key; null if the key is unused. */
export async function getRestock(sql: Queryable, key: string): Promise<ProductQuantity | null> {
  const [row] = await sql<ProductQuantity[]>`
    select product_id as "productId", on_hand_change as quantity from stock_movement where idempotency_key = ${key}`;
  return row ?? null;
}
