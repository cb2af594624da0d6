import { seeOutcome } from "@teranga/kit/graphql/mutation-outcome.ts";
import { classifyDatabaseError, type Queryable } from "@teranga/kit/postgres/database.ts";
import type { CityClock } from "@teranga/protocol/city/city-clock.ts";
import type { ProductQuantity } from "@teranga/protocol/messages.ts";
import type { StockRow } from "../model.ts";
import { getRestock } from "./get-restock.ts";
import { stockColumns } from "./get-stock.ts";

export interface Restock extends ProductQuantity {
  idempotencyKey: string | null;
}

/**
 * The outcome of a delivery. USED: `earlier` is the delivery of the key. FULL:
 * there is no room (`stock_room`).
 */
export type RestockAnswer =
  | { state: "ADDED"; stock: StockRow }
  | { state: "USED"; earlier: ProductQuantity }
  | { state: "FULL" };

/**
 * Adds pieces to a level, and makes the level if it is the first delivery. Appends the movement. Happens once
 * for each key. Writes first, and looks for the key only if that is refused: the level may be full because of
 * the same delivery, sent before or at the same time.
 */
export async function restock(
  sql: Queryable,
  delivery: Restock,
  warehouse: string,
  clock: CityClock,
): Promise<RestockAnswer> {
  const { idempotencyKey } = delivery;
  const stock = await addPieces(sql, delivery, warehouse, clock);
  if (stock) return { state: "ADDED", stock };
  const earlier = idempotencyKey && (await seeOutcome(() => getRestock(sql, idempotencyKey)));
  return earlier ? { state: "USED", earlier } : { state: "FULL" };
}

/** Null if there is no room or the key is used. */
async function addPieces(
  sql: Queryable,
  { productId, quantity, idempotencyKey }: Restock,
  warehouse: string,
  clock: CityClock,
): Promise<StockRow | null> {
  try {
    const [stock] = await sql<StockRow[]>`
      with level as (
        insert into stock (product_id, warehouse, on_hand, updated_at)
        values (${productId}, ${warehouse}, ${quantity}, ${clock.now(sql)})
        on conflict (product_id) do update set on_hand = stock.on_hand + excluded.on_hand, updated_at = excluded.updated_at
          where stock_room(stock.on_hand, stock.returnable) >= excluded.on_hand
        returning *
      ), movement as (
        insert into stock_movement (product_id, reason, on_hand_change, reserved_change, at, idempotency_key)
        select product_id, 'RESTOCKED', ${quantity}::int, 0, ${clock.now(sql)}, ${idempotencyKey} from level
      )
      select ${stockColumns(sql)} from level`;
    return stock ?? null;
  } catch (error) {
    const failure = classifyDatabaseError(error);
    if (failure.kind === "constraint" && failure.constraint === "restock_of_key") return null;
    throw error;
  }
}
