/**
 * Goal: the search finds a serial order exactly if there is one. Method: the plain definition, on small
 * random clocks.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Clock, findSerialOrder, type Interval } from "./serial-order.ts";

const IDS = ["a", "b", "c", "d", "e"];

const interval = (id: string): fc.Arbitrary<Interval> =>
  fc
    .tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 4 }), fc.boolean(), fc.boolean())
    .map(([first, length, isOpenBefore, isOpenAfter]) => ({
      id,
      first: isOpenBefore ? Number.NEGATIVE_INFINITY : first,
      last: isOpenAfter ? Number.POSITIVE_INFINITY : first + length,
    }));
const clock = (name: string): fc.Arbitrary<Clock> =>
  fc
    .subarray(IDS, { minLength: 2 })
    .chain((ids) => fc.tuple(...ids.map(interval)))
    .map((intervals) => ({ name, intervals }));
const clocks = fc.tuple(clock("x"), clock("y"), clock("z"));

/** Every pair of commits that some clock orders. */
const pairsOf = (all: readonly Clock[]) =>
  all.flatMap(({ intervals }) =>
    intervals.flatMap((a) =>
      intervals.filter((b) => a.last < b.first).map((b): [string, string] => [a.id, b.id]),
    ),
  );

function* permutations(items: readonly string[]): Generator<string[]> {
  if (items.length === 0) yield [];
  for (const item of items)
    for (const rest of permutations(items.filter((other) => other !== item))) yield [item, ...rest];
}

const keeps = (order: readonly string[], pairs: readonly [string, string][]) =>
  pairs.every(([before, after]) => order.indexOf(before) < order.indexOf(after));

test("finds an order that keeps every pair if and only if there is one", () => {
  fc.assert(
    fc.property(clocks, (all) => {
      const pairs = pairsOf(all);
      const found = findSerialOrder(IDS, all);
      if (found.kind === "order") {
        expect([...found.ids].sort()).toEqual(IDS);
        expect(keeps(found.ids, pairs)).toBe(true);
      } else {
        expect([...permutations(IDS)].some((order) => keeps(order, pairs))).toBe(false);
      }
    }),
    { numRuns: 500 },
  );
});
