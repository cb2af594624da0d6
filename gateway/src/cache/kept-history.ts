/** Which parts of places' histories an answer that is kept shows, and what answers show together. */
import { laterPosition } from "@teranga/kit/reads/position.ts";
import {
  type PositionRange,
  parsePositions,
  parseRanges,
  printPositions,
} from "@teranga/kit/reads/read-headers.ts";
import type { CacheEntry } from "./tier.ts";

/**
 * @param positions what the answer says of itself
 * @returns `another` if it is from another node than was meant, whose changes are told elsewhere
 */
export function historyOf(place: string, positions = ""): Pick<CacheEntry, "range" | "others"> | "another" {
  const [own, ...others] = parseRanges(positions);
  if (!own) return { range: undefined };
  const [teller, range] = own;
  if (teller !== place) return "another";
  if (others.length === 0) return { range };
  return { range, others: printPositions(new Map(others.map(([other, { upTo }]) => [other, upTo]))) };
}

/** What entries may show together, their own place first. Undefined if one of them does not say it. */
export function shownBy(
  place: string,
  entries: readonly CacheEntry[],
): ReadonlyMap<string, PositionRange> | undefined {
  const shown = new Map<string, PositionRange>();
  const add = (name: string, range: PositionRange) => {
    const upTo = laterPosition(shown.get(name)?.upTo ?? range.upTo, range.upTo);
    shown.set(name, { includes: range.includes, upTo });
  };
  for (const { range } of entries) {
    if (!range) return undefined;
    add(place, range);
  }
  for (const { others } of entries)
    for (const [name, upTo] of parsePositions(others ?? "")) add(name, { includes: upTo, upTo });
  return shown;
}
