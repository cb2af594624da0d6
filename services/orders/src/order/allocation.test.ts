import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Stock } from "../model.ts";
import { allocate, availableOverall, linesByCity } from "./allocation.ts";

const CITIES = ["dakar", "thies", "saint-louis", "autres"];
const PRODUCTS = ["101", "102", "103"];

const anyLevels = fc.dictionary(fc.constantFrom(...PRODUCTS), fc.integer({ min: 0, max: 20 }));
/** The first city is home and always known; the others may be missing. */
const anyStock = fc
  .tuple(...CITIES.map((_, index) => (index === 0 ? anyLevels : fc.option(anyLevels))))
  .map(toStock);
const anyLines = fc.uniqueArray(
  fc.record({ productId: fc.constantFrom(...PRODUCTS), quantity: fc.integer({ min: 1, max: 40 }) }),
  { selector: ({ productId }) => productId, minLength: 1 },
);

function toStock(levels: (Record<string, number> | null)[]): Stock {
  const known = CITIES.map((city, index) => [city, levels[index]] as const);
  return {
    levels: new Map(
      known.filter(([, of]) => of != null).map(([city, of]) => [city, new Map(Object.entries(of!))]),
    ),
    missingCities: known.filter(([, of]) => of == null).map(([city]) => city),
  };
}

function has(stock: Stock, cityId: string, productId: string): number {
  return stock.levels.get(cityId)?.get(productId) ?? 0;
}

describe("allocate, for any lines and stock,", () => {
  test("adds up to the lines or names exactly what is short", () => {
    fc.assert(
      fc.property(anyLines, anyStock, (lines, stock) => {
        const result = allocate(lines, CITIES, stock);
        const short = lines.filter(
          ({ productId, quantity }) => availableOverall(stock, productId) < quantity,
        );
        if (result.kind === "short") {
          expect(result.shortages).toEqual(
            short.map(({ productId, quantity }) => ({
              productId,
              requested: quantity,
              available: availableOverall(stock, productId),
            })),
          );
          return;
        }
        expect(short).toEqual([]);
        for (const { productId, quantity } of lines) {
          const given = result.allocations.filter((allocation) => allocation.productId === productId);
          expect(given.reduce((sum, { quantity }) => sum + quantity, 0)).toBe(quantity);
        }
      }),
    );
  });

  test("takes from each city once a product, something, and never more than it has", () => {
    fc.assert(
      fc.property(anyLines, anyStock, (lines, stock) => {
        const result = allocate(lines, CITIES, stock);
        if (result.kind === "short") return;
        const pairs = result.allocations.map(({ cityId, productId }) => `${cityId} ${productId}`);
        expect(new Set(pairs).size).toBe(pairs.length);
        for (const { cityId, productId, quantity } of result.allocations) {
          expect(quantity).toBeGreaterThan(0);
          expect(quantity).toBeLessThanOrEqual(has(stock, cityId, productId));
        }
      }),
    );
  });

  test("empties each city before it asks the next one, home first", () => {
    fc.assert(
      fc.property(anyLines, anyStock, (lines, stock) => {
        const result = allocate(lines, CITIES, stock);
        if (result.kind === "short") return;
        for (const { productId } of lines) {
          const given = CITIES.map(
            (city) =>
              result.allocations.find((a) => a.cityId === city && a.productId === productId)?.quantity ?? 0,
          );
          const last = given.findLastIndex((quantity) => quantity > 0);
          expect(given.slice(0, last)).toEqual(
            CITIES.slice(0, last).map((city) => has(stock, city, productId)),
          );
        }
      }),
    );
  });

  test("gives the same answer to the same question", () => {
    fc.assert(
      fc.property(anyLines, anyStock, (lines, stock) => {
        const again: Stock = { ...stock, levels: new Map([...stock.levels].reverse()) };
        expect(allocate(lines, CITIES, again)).toEqual(allocate(lines, CITIES, stock));
      }),
    );
  });
});

test("linesByCity keeps every piece", () => {
  const allocations = [
    { cityId: "dakar", productId: "101", quantity: 2 },
    { cityId: "thies", productId: "101", quantity: 1 },
    { cityId: "dakar", productId: "102", quantity: 5 },
  ];
  expect([...linesByCity(allocations)]).toEqual([
    [
      "dakar",
      [
        { productId: "101", quantity: 2 },
        { productId: "102", quantity: 5 },
      ],
    ],
    ["thies", [{ productId: "101", quantity: 1 }]],
  ]);
});

test("what cities have together is told as far as GraphQL can", () => {
  const billions = toStock([{ 101: 1_000_000_000 }, { 101: 1_000_000_000 }, { 101: 1_000_000_000 }, null]);
  expect(availableOverall(billions, "101")).toBe(2_147_483_647);
});
