/** The invariants of the databases at rest. */

import { brokenInvariants, countUnfinished } from "@teranga/infra/broken-invariants.ts";
import { expect, vi } from "vitest";
import { CITY_IDS, type Graph } from "./graph.ts";

/**
 * Pieces on hand plus pieces in orders that stand, by product. The sum never changes once every participant
 * has confirmed.
 */
export async function stockAndOrders(graph: Graph): Promise<Record<string, number>> {
  const sums: Record<string, number> = {};
  for (const city of CITY_IDS) {
    const rows = await graph.sql(city)<{ product_id: string; pieces: number }[]>`
      select product_id, on_hand as pieces from stock
      union all
      select product_id, quantity from order_line join orders on orders.id = order_id where status = 'PLACED'`;
    for (const { product_id, pieces } of rows) sums[product_id] = (sums[product_id] ?? 0) + pieces;
  }
  return sums;
}

/** Waits until nothing is in doubt and every decision is acknowledged; throws at the time limit. */
export async function untilAtRest(graph: Graph): Promise<void> {
  await vi.waitFor(
    async () => {
      for (const city of CITY_IDS) {
        const unfinished = await countUnfinished(graph.sql(city));
        expect({ city, ...unfinished }).toEqual({ city, prepared: 0, unacknowledged: 0, unsettled: 0 });
      }
    },
    { timeout: 25_000, interval: 50 },
  );
}

/** Every invariant of docs/commit-protocol.md that can be read from the databases at rest. */
export async function expectInvariants(graph: Graph): Promise<void> {
  expect(await brokenInvariants(new Map(CITY_IDS.map((city) => [city, graph.sql(city)])))).toEqual([]);
}
