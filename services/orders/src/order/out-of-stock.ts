/** Builds the answer OutOfStock. */

import type { Allocation, ProductQuantity, StockShortage } from "@teranga/protocol/messages.ts";
import type { Refusal } from "@teranga/protocol/orchestrator/transaction-model.ts";
import type { OutOfStock } from "@teranga/schema/generated/orders.ts";
import type { Named } from "../answers.ts";
import type { Stock, StockLevels } from "../model.ts";
import { allocate, availableOverall } from "./allocation.ts";

export function outOfStock(
  shortages: readonly StockShortage[],
  missingCities: readonly string[],
): Named<OutOfStock> {
  return {
    __typename: "OutOfStock",
    message: "There is too little of some products. Nothing was changed.",
    shortages: shortages.map(({ productId, requested, available }) => ({
      product: { id: productId },
      requested,
      available,
    })),
    missingCities: [...missingCities],
  };
}

/** Why the last transaction of an order failed. */
export interface LastFailure {
  refusals: readonly Refusal[];
  silentCities: readonly string[];
  allocations: readonly Allocation[];
}

/**
 * The answer when no more transactions are tried, from the stock that was read and the cities' later reports.
 * If there is enough by all reports, other orders were faster each time. Then the answer names the contested
 * products with their available pieces, which may be as many as were requested.
 */
export function outOfStockAtLast(
  lines: readonly ProductQuantity[],
  cityIds: readonly string[],
  stock: Stock,
  { refusals, silentCities, allocations }: LastFailure,
): Named<OutOfStock> {
  const known = corrected(cityIds, stock, refusals, silentCities);
  const allocation = allocate(lines, cityIds, known);
  if (allocation.kind === "short") return outOfStock(allocation.shortages, known.missingCities);
  const contested = new Set([
    ...refusals.flatMap(({ shortages }) => shortages.map(({ productId }) => productId)),
    ...allocations.filter(({ cityId }) => silentCities.includes(cityId)).map(({ productId }) => productId),
  ]);
  const shortages = lines
    .filter(({ productId }) => contested.has(productId))
    .map(({ productId, quantity }) => ({
      productId,
      requested: quantity,
      available: availableOverall(known, productId),
    }));
  return outOfStock(shortages, known.missingCities);
}

/**
 * Corrects the stock by the cities' later reports. A city that was not asked, because the home seemed to have
 * enough, is as unknown as a city that did not answer.
 */
function corrected(
  cityIds: readonly string[],
  stock: Stock,
  refusals: readonly Refusal[],
  silentCities: readonly string[],
): Stock {
  const levels = new Map<string, StockLevels>(stock.levels);
  for (const { cityId, shortages } of refusals) {
    const told = shortages.map(({ productId, available }) => [productId, available] as const);
    levels.set(cityId, new Map([...(levels.get(cityId) ?? []), ...told]));
  }
  for (const cityId of silentCities) levels.delete(cityId);
  return { levels, missingCities: cityIds.filter((id) => !levels.has(id)) };
}
