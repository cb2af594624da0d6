import type { ProductQuantity } from "@teranga/protocol/messages.ts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Stock } from "../model.ts";
import { allocate, availableOverall, linesByCity } from "./allocation.ts";
import { allocateWithin } from "./split-limit.ts";

const CITIES = ["dakar", "thies", "saint-louis", "kaolack", "ziguinchor", "autres"];
const PRODUCTS = ["101", "102", "103"];

const anyLevels = fc.dictionary(fc.constantFrom(...PRODUCTS), fc.integer({ min: 0, max: 12 }));
const anyStock = fc.tuple(...CITIES.map(() => anyLevels)).map(toStock);
const anyLines = fc.uniqueArray(
  fc.record({ productId: fc.constantFrom(...PRODUCTS), quantity: fc.integer({ min: 1, max: 30 }) }),
  { selector: ({ productId }) => productId, minLength: 1 },
);
const anyLimit = fc.integer({ min: 1, max: CITIES.length });

function toStock(levels: Record<string, number>[]): Stock {
  return {
    levels: new Map(CITIES.map((city, index) => [city, new Map(Object.entries(levels[index] ?? {}))])),
    missingCities: [],
  };
}

/** All sets of cities, by brute force: with the first city before without it, and so on. */
function allSets(cityIds: readonly string[]): string[][] {
  const [first, ...others] = cityIds;
  if (first === undefined) return [[]];
  const rest = allSets(others);
  return [...rest.map((set) => [first, ...set]), ...rest];
}

function haveEnough(cityIds: readonly string[], lines: readonly ProductQuantity[], stock: Stock): boolean {
  return allocate(lines, cityIds, stock).kind === "allocated";
}

describe("with a limit on the cities that give, for any lines and stock,", () => {
  test("no more than so many give, what they give adds up, and there is a way whenever one exists", () => {
    fc.assert(
      fc.property(anyLines, anyStock, anyLimit, (lines, stock, maxSplits) => {
        const result = allocateWithin(lines, CITIES, stock, maxSplits);
        const sets = allSets(CITIES).filter(
          (set) => set.length <= maxSplits && haveEnough(set, lines, stock),
        );
        if (result.kind !== "allocated") {
          expect(sets).toEqual([]);
          return;
        }
        expect(linesByCity(result.allocations).size).toBeLessThanOrEqual(maxSplits);
        for (const { productId, quantity } of lines) {
          const given = result.allocations.filter((allocation) => allocation.productId === productId);
          expect(given.reduce((sum, { quantity }) => sum + quantity, 0)).toBe(quantity);
        }
        for (const { cityId, productId, quantity } of result.allocations)
          expect(quantity).toBeLessThanOrEqual(stock.levels.get(cityId)!.get(productId)!);
      }),
      { numRuns: 1_000 },
    );
  });

  test("refuses with what is short if there is too little, else with how many cities it would take", () => {
    fc.assert(
      fc.property(anyLines, anyStock, anyLimit, (lines, stock, maxSplits) => {
        const unlimited = allocate(lines, CITIES, stock);
        const result = allocateWithin(lines, CITIES, stock, maxSplits);
        if (unlimited.kind === "short") {
          expect(result).toEqual(unlimited);
          return;
        }
        const splits = linesByCity(unlimited.allocations).size;
        if (result.kind === "too-many-splits") {
          expect(result.splits).toBe(splits);
          expect(splits).toBeGreaterThan(maxSplits);
        }
        // The number in the answer is right: with so many cities the order is allocated.
        expect(allocateWithin(lines, CITIES, stock, splits)).toEqual(unlimited);
        expect(allocateWithin(lines, CITIES, stock, null)).toEqual(unlimited);
      }),
    );
  });
});

describe("of the cities that would do", () => {
  const line = (productId: string, quantity: number) => ({ productId, quantity });
  const citiesOf = (lines: ProductQuantity[], stock: Stock, maxSplits: number) => {
    const result = allocateWithin(lines, CITIES, stock, maxSplits);
    return result.kind === "allocated" ? [...linesByCity(result.allocations).keys()] : result;
  };

  test("the home gives if it can, with the nearest that makes it enough", () => {
    const stock = toStock([{ "101": 2 }, { "101": 3 }, { "101": 4 }, { "101": 6 }, { "101": 8 }, {}]);
    expect(citiesOf([line("101", 8)], stock, 2)).toEqual(["dakar", "kaolack"]);
    expect(citiesOf([line("101", 8)], stock, 1)).toEqual(["ziguinchor"]);
    expect(citiesOf([line("101", 11)], stock, 2)).toEqual(["thies", "ziguinchor"]);
    expect(citiesOf([line("101", 15)], stock, 2)).toEqual({ kind: "too-many-splits", splits: 4 });
  });

  test("one that has none of what is wanted is not counted", () => {
    const stock = toStock([{ "103": 9 }, {}, { "101": 1 }, { "101": 1 }, { "102": 1 }, { "101": 1 }]);
    expect(citiesOf([line("101", 2), line("102", 1)], stock, 3)).toEqual([
      "saint-louis",
      "kaolack",
      "ziguinchor",
    ]);
  });
});

test("among a hundred cities and lines the search ends soon", () => {
  const cityIds = Array.from({ length: 100 }, (_, k) => `city-${k}`);
  const lines = Array.from({ length: 100 }, (_, k) => ({ productId: `${k}`, quantity: 100 }));
  const levels = cityIds.map((city, c) => {
    const ofCity = lines.map(({ productId }, l) => [productId, (c * 31 + l * 17) % 7] as const);
    return [city, new Map(ofCity)] as const;
  });
  const stock: Stock = { levels: new Map(levels), missingCities: [] };
  expect(availableOverall(stock, "0")).toBeGreaterThan(100);
  const startedMs = performance.now();
  expect(allocateWithin(lines, cityIds, stock, 30).kind).toBe("too-many-splits");
  expect(performance.now() - startedMs).toBeLessThan(1_000);
});
