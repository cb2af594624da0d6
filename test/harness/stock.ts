/** What tests read of the stock of a whole graph. */
import { CITY_IDS, type Graph } from "./graph.ts";

/** The pieces of a product that each city has on hand. */
export const levelsOf = async (graph: Graph, productId: string) =>
  Object.fromEntries(
    await Promise.all(
      CITY_IDS.map(async (city) => {
        const [row] = await graph.sql(city)`select on_hand from stock where product_id = ${productId}`;
        return [city, Number(row?.on_hand ?? 0)] as const;
      }),
    ),
  );

/** Pieces of a product that were set aside for aborted orders. */
export async function releasedOf(graph: Graph, productId: string): Promise<number> {
  const rows = await Promise.all(
    CITY_IDS.map(
      (city) => graph.sql(city)<{ pieces: number }[]>`
        select coalesce(-sum(reserved_change), 0)::int as pieces from stock_movement
        where product_id = ${productId} and reason = 'RELEASED'`,
    ),
  );
  return rows.reduce((sum, [row]) => sum + row!.pieces, 0);
}
