import { classifyDatabaseError, type Queryable } from "@teranga/kit/database.ts";
import type { Clock } from "@teranga/kit/retry.ts";
import type { ProductQuantity, StockRow } from "../model.ts";
import { stockColumns } from "./get-stock.ts";

export interface Restock extends ProductQuantity {
  idempotencyKey: string | undefined;
}

/** What has come of it; `earlier` is what the key stands for. FULL: there is no room (`stock_room`). */
export type RestockAnswer =
  | { state: "ADDED"; stock: StockRow }
  | { state: "USED"; earlier: ProductQuantity }
  | { state: "FULL" };

/**
 * Adds pieces to a level, which comes into being with the first ones, and appends the movement: once a key. Of two of one key at the same
 * time the second breaks the constraint, and finds the first when it looks again.
 */
export async function restock(
  sql: Queryable,
  delivery: Restock,
  warehouse: string,
  clock: Clock,
): Promise<RestockAnswer> {
  try {
    return await restockOnce(sql, delivery, warehouse, clock);
  } catch (error) {
    const failure = classifyDatabaseError(error);
    if (failure.kind !== "constraint" || failure.constraint !== "restock_of_key") throw error;
    return restockOnce(sql, delivery, warehouse, clock);
  }
}

async function restockOnce(
  sql: Queryable,
  { productId, quantity, idempotencyKey }: Restock,
  warehouse: string,
  clock: Clock,
): Promise<RestockAnswer> {
  if (idempotencyKey !== undefined) {
    const [earlier] = await sql<ProductQuantity[]>`
      select product_id as "productId", on_hand_change as quantity from stock_movement where idempotency_key = ${idempotencyKey}`;
    if (earlier) return { state: "USED", earlier };
  }
  const now = new Date(clock.nowMs());
  const [stock] = await sql<StockRow[]>`
    with level as (
      insert into stock (product_id, warehouse, on_hand, updated_at)
      values (${productId}, ${warehouse}, ${quantity}, ${now})
      on conflict (product_id) do update set on_hand = stock.on_hand + excluded.on_hand, updated_at = excluded.updated_at
        where stock_room(stock.on_hand, stock.returnable) >= excluded.on_hand
      returning *
    ), movement as (
      insert into stock_movement (product_id, reason, on_hand_change, reserved_change, at, idempotency_key)
      select product_id, 'RESTOCKED', ${quantity}::int, 0, ${now}, ${idempotencyKey ?? null} from level
    )
    select ${stockColumns(sql)} from level`;
  return stock ? { state: "ADDED", stock } : { state: "FULL" };
}
