/** Decides which city gives what: a pure function of the lines and of the stock that was read. */
import type { Allocation, ProductQuantity, StockShortage } from "@teranga/protocol/messages.ts";
import type { Stock } from "../model.ts";

export type AllocationResult =
  | { kind: "allocated"; allocations: Allocation[] }
  | { kind: "short"; shortages: StockShortage[] };

/**
 * Allocates each line to the cities in their order of preference. A city gives what it has before the next
 * one is used, so a line is split only if it must be. Allocates all lines or none.
 * @param lines each of another product
 * @param cityIds the most preferred first; a city whose stock is unknown gives nothing
 */
export function allocate(
  lines: readonly ProductQuantity[],
  cityIds: readonly string[],
  stock: Stock,
): AllocationResult {
  const allocations: Allocation[] = [];
  const shortages: StockShortage[] = [];
  for (const { productId, quantity } of lines) {
    let open = quantity;
    for (const cityId of cityIds) {
      const given = Math.min(open, availableIn(stock, cityId, productId));
      if (given > 0) allocations.push({ cityId, productId, quantity: given });
      open -= given;
    }
    if (open > 0) shortages.push({ productId, requested: quantity, available: quantity - open });
  }
  return shortages.length > 0 ? { kind: "short", shortages } : { kind: "allocated", allocations };
}

/** The largest GraphQL Int. Two cities together can have more. */
const INT_MAX = 2 ** 31 - 1;

/** The pieces of a product that can be ordered from all cities that answered, INT_MAX at most. */
export function availableOverall(stock: Stock, productId: string): number {
  const cityIds = [...stock.levels.keys()];
  return Math.min(
    INT_MAX,
    cityIds.reduce((sum, cityId) => sum + availableIn(stock, cityId, productId), 0),
  );
}

/** The pieces of a product that can be ordered from one city. */
export function availableIn(stock: Stock, cityId: string, productId: string): number {
  return Math.max(0, stock.levels.get(cityId)?.get(productId) ?? 0);
}

/** What each city gives, as lines. The cities are in the order of their first allocations. */
export function linesByCity(allocations: readonly Allocation[]): Map<string, ProductQuantity[]> {
  const lines = new Map<string, ProductQuantity[]>();
  for (const { cityId, productId, quantity } of allocations) {
    const ofCity = lines.get(cityId) ?? [];
    ofCity.push({ productId, quantity });
    lines.set(cityId, ofCity);
  }
  return lines;
}
