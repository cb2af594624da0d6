/**
 * What is ordered in the benchmark, as a pure function of the scenario and of chance.
 *
 * Each of the 50 products is in stock in one city only, so an order of k lines from k cities needs exactly those k cities, however
 * much has been sold before. Every order takes one line from its home. `spread` draws home, client and products; `hot` is the same
 * order each time, of many clients of one city: all meet on one row in each city.
 */
import { CITIES } from "@teranga/infra/cities.ts";

export const CITY_IDS = CITIES.map(({ id }) => id);

export const CITY_COUNTS = [1, 2, 3] as const;
export const PRODUCT_CHOICES = ["spread", "hot"] as const;
export const CONCURRENCIES = [1, 16, 64, 256] as const;

export interface Scenario {
  /** How many cities an order needs, its home included. */
  cities: number;
  products: (typeof PRODUCT_CHOICES)[number];
  /** Orders under way at a time. */
  concurrency: number;
}

export interface BenchOrder {
  clientId: string;
  homeId: string;
  /** One piece of each; the first is the home's. */
  lines: { cityId: string; productId: string }[];
}

/** The sample's products, which the catalog has with their prices. */
const FIRST_PRODUCT = 101;
const PRODUCTS = 50;
export const PRODUCT_IDS = Array.from({ length: PRODUCTS }, (_, index) => String(FIRST_PRODUCT + index));

/** Beyond the sample's numbers. Enough that two orders under way are seldom of one client, whose row they would share. */
export const FIRST_CLIENT = 10_001;
export const CLIENTS_OF_CITY = 2_000;

/** The one city that has a product in stock. */
export function ownerOf(productId: string): string {
  return CITY_IDS[(Number(productId) - FIRST_PRODUCT) % CITY_IDS.length]!;
}

const PRODUCTS_OF_CITY = Map.groupBy(PRODUCT_IDS, ownerOf);

/** The next order. @param random a number in [0, 1) a call */
export function drawOrder({ cities, products }: Scenario, random: () => number): BenchOrder {
  const draw = (count: number) => Math.floor(random() * count);
  const isHot = products === "hot";
  const home = isHot ? 0 : draw(CITY_IDS.length);
  const homeId = CITY_IDS[home]!;
  const lines = Array.from({ length: cities }, (_, step) => {
    const cityId = CITY_IDS[(home + step) % CITY_IDS.length]!;
    const choice = PRODUCTS_OF_CITY.get(cityId)!;
    return { cityId, productId: choice[isHot ? 0 : draw(choice.length)]! };
  });
  return { clientId: `${homeId}:${FIRST_CLIENT + draw(CLIENTS_OF_CITY)}`, homeId, lines };
}

/** A small generator of numbers in [0, 1) from a seed (mulberry32): the same seed draws the same orders. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** How people call it: "two-city, hot, 64 at a time". */
export function nameOf({ cities, products, concurrency }: Scenario): string {
  return `${kindOf(cities)}, ${products}, ${concurrency} at a time`;
}

export function kindOf(cities: number): string {
  return `${["single", "two", "three"][cities - 1]}-city`;
}
