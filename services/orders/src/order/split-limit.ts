/** Allocates an order to no more cities than the client allows. */

import type { ProductQuantity } from "@teranga/protocol/messages.ts";
import type { Stock } from "../model.ts";
import { type AllocationResult, allocate, availableIn, linesByCity } from "./allocation.ts";

export type LimitedAllocation =
  | AllocationResult
  /** There is enough stock, but not in so few cities. */
  | { kind: "too-many-splits"; splits: number };

/**
 * The most sets of cities that are tried. All sets of 11 cities are fewer, so with 11 cities the answer is
 * exact. With more, an unlucky order may be refused although a set beyond the limit would do.
 */
const SETS_MAX = 4_096;

/**
 * Allocates as `allocate` does, but to `maxSplits` cities at most. Of the sets of cities that have enough
 * together, takes the first in the order of preference: sets with the home come before sets without it, then
 * sets with the nearest city before sets without that, and so on.
 * @param cityIds the most preferred first
 * @param maxSplits null for any number
 */
export function allocateWithin(
  lines: readonly ProductQuantity[],
  cityIds: readonly string[],
  stock: Stock,
  maxSplits: number | null,
): LimitedAllocation {
  const unlimited = allocate(lines, cityIds, stock);
  if (unlimited.kind === "short" || maxSplits === null) return unlimited;
  const splits = linesByCity(unlimited.allocations).size;
  if (splits <= maxSplits) return unlimited;
  const chosen = chooseCities(lines, cityIds, stock, maxSplits);
  return chosen ? allocate(lines, chosen, stock) : { kind: "too-many-splits", splits };
}

/** The preferred set of at most `maxSplits` cities that have all lines together; null if none was found. */
function chooseCities(
  lines: readonly ProductQuantity[],
  cityIds: readonly string[],
  stock: Stock,
  maxSplits: number,
): string[] | null {
  const levelsOf = (cityId: string) => lines.map(({ productId }) => availableIn(stock, cityId, productId));
  const candidates = cityIds
    .map((cityId) => ({ cityId, levels: levelsOf(cityId) }))
    .filter(({ levels }) => levels.some((level) => level > 0));
  const most = mostFromHereOn(candidates.map(({ levels }) => levels));
  let sets = 0;

  /** @param open the pieces still wanted of each line; zero or less if none are */
  const search = (from: number, chosen: readonly string[], open: readonly number[]): string[] | null => {
    if (open.every((quantity) => quantity <= 0)) return [...chosen];
    const left = maxSplits - chosen.length;
    const next = candidates[from];
    // Even if every further city had as much as the best of them, it would not be enough.
    const isHopeless = () => open.some((quantity, line) => quantity > left * most[from]![line]!);
    if (!next || isHopeless() || ++sets > SETS_MAX) return null;
    const remaining = open.map((quantity, line) => quantity - next.levels[line]!);
    return search(from + 1, [...chosen, next.cityId], remaining) ?? search(from + 1, chosen, open);
  };
  return search(
    0,
    [],
    lines.map(({ quantity }) => quantity),
  );
}

/** For each city and line, the highest level of this city and the cities after it. */
function mostFromHereOn(levels: readonly (readonly number[])[]): number[][] {
  const most: number[][] = [];
  for (const own of levels.toReversed()) {
    const later = most[0] ?? own;
    most.unshift(own.map((level, line) => Math.max(level, later[line]!)));
  }
  return most;
}
