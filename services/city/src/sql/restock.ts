import type { Queryable } from "@teranga/kit/database.ts";
import type { Clock } from "@teranga/kit/retry.ts";
import type { ProductQuantity, StockRow } from "../model.ts";
import { stockColumns } from "./get-stock.ts";

/**
 * Adds pieces to a level, which comes into being with the first ones, and appends the movement.
 * @throws the constraint `stock_on_hand_limit`
 */
export async function restock(
  sql: Queryable,
  { productId, quantity }: ProductQuantity,
  warehouse: string,
  clock: Clock,
): Promise<StockRow> {
  const now = new Date(clock.nowMs());
  const [row] = await sql<StockRow[]>`
    with level as (
      insert into stock (product_id, warehouse, on_hand, updated_at)
      values (${productId}, ${warehouse}, ${quantity}, ${now})
      on conflict (product_id) do update set on_hand = stock.on_hand + excluded.on_hand, updated_at = excluded.updated_at
      returning *
    ), movement as (
      insert into stock_movement (product_id, reason, on_hand_change, reserved_change, at)
      select product_id, 'RESTOCKED', ${quantity}::int, 0, ${now} from level
    )
    select ${stockColumns(sql)} from level`;
  return row!;
}
