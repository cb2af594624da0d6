/** Which city gives what: a pure function of the lines and of what was read. */
import type { Allocation, ProductQuantity, StockShortage } from "@teranga/protocol/messages.ts";
import type { Stock } from "../model.ts";

export type AllocationResult =
  | { kind: "allocated"; allocations: Allocation[] }
  | { kind: "short"; shortages: StockShortage[] };

/**
 * Allocates each line to the cities in their order of preference: a city gives what it has before the next
 * one is asked, so a line is split only when it must be. All lines or none.
 * @param lines each of another product
 * @param cityIds the most preferred first; one whose stock is not known gives nothing
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

/** What GraphQL's Int holds: two cities can have more together. */
const INT_MAX = 2 ** 31 - 1;

/** Pieces of a product that can be ordered in all cities that answered; INT_MAX stands for more. */
export function availableOverall(stock: Stock, productId: string): number {
  const cityIds = [...stock.levels.keys()];
  return Math.min(
    INT_MAX,
    cityIds.reduce((sum, cityId) => sum + availableIn(stock, cityId, productId), 0),
  );
}

/** Pieces of a product that can be ordered in one city. */
export function availableIn(stock: Stock, cityId: string, productId: string): number {
  return Math.max(0, stock.levels.get(cityId)?.get(productId) ?? 0);
}

/** What each city gives, as lines. Cities come in the order in which the allocations name them first. */
export function linesByCity(allocations: readonly Allocation[]): Map<string, ProductQuantity[]> {
  const lines = new Map<string, ProductQuantity[]>();
  for (const { cityId, productId, quantity } of allocations) {
    const ofCity = lines.get(cityId) ?? [];
    ofCity.push({ productId, quantity });
    lines.set(cityId, ofCity);
  }
  return lines;
}
