import type { Queryable } from "@teranga/kit/database.ts";
import type { Clock } from "@teranga/kit/retry.ts";
import type { ProductQuantity, StockRow } from "../model.ts";
import { stockColumns } from "./get-stock.ts";

/** What a warehouse holds at most of a product by restocking. What orders give back may go beyond: it cannot be refused. */
const ON_HAND_MAX = 1_000_000_000;

/**
 * Adds pieces to a level, which comes into being with the first ones, and appends the movement. Null if the warehouse would hold
 * more than ON_HAND_MAX; then nothing is changed.
 */
export async function restock(
  sql: Queryable,
  { productId, quantity }: ProductQuantity,
  warehouse: string,
  clock: Clock,
): Promise<StockRow | null> {
  const now = new Date(clock.nowMs());
  const [row] = await sql<StockRow[]>`
    with level as (
      insert into stock (product_id, warehouse, on_hand, updated_at)
      values (${productId}, ${warehouse}, ${quantity}, ${now})
      on conflict (product_id) do update set on_hand = stock.on_hand + excluded.on_hand, updated_at = excluded.updated_at
        where stock.on_hand <= ${ON_HAND_MAX} - excluded.on_hand
      returning *
    ), movement as (
      insert into stock_movement (product_id, reason, on_hand_change, reserved_change, at)
      select product_id, 'RESTOCKED', ${quantity}::int, 0, ${now} from level
    )
    select ${stockColumns(sql)} from level`;
  return row ?? null;
}
