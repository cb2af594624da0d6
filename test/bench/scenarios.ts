/**
 * Draws the orders of the benchmark, as a pure function of the scenario and a random sequence.
 *
 * Each of the 50 products is in stock in one city only, so an order of k lines from k cities needs exactly
 * those k cities, whatever was sold before. Every order takes one line from its home. `spread` draws home,
 * client and products. `hot` repeats one order for many clients of one city, so all orders meet on one row in
 * each city.
 */
import { CITIES } from "@teranga/infra/cities.ts";

export const CITY_IDS = CITIES.map(({ id }) => id);

export const CITY_COUNTS = [1, 2, 3] as const;
export const PRODUCT_CHOICES = ["spread", "hot"] as const;
export const CONCURRENCIES = [1, 16, 64, 256] as const;

export interface Scenario {
  /** The number of cities that an order needs, its home included. */
  cities: number;
  products: (typeof PRODUCT_CHOICES)[number];
  /** The number of orders under way at a time. */
  concurrency: number;
}

export interface BenchOrder {
  clientId: string;
  homeId: string;
  /** The lines, one piece each. The first line is from the home. */
  lines: { cityId: string; productId: string }[];
}

/** The sample's products, which the catalog has with their prices. */
const FIRST_PRODUCT = 101;
const PRODUCTS = 50;
export const PRODUCT_IDS = Array.from({ length: PRODUCTS }, (_, index) => String(FIRST_PRODUCT + index));

/**
 * Above the sample's client numbers. There are so many clients that two orders under way seldom lock the row
 * of one client.
 */
export const FIRST_CLIENT = 10_001;
export const CLIENTS_OF_CITY = 2_000;

/** The one city that has a product in stock. */
export function ownerOf(productId: string): string {
  return CITY_IDS[(Number(productId) - FIRST_PRODUCT) % CITY_IDS.length]!;
}

const PRODUCTS_OF_CITY = Map.groupBy(PRODUCT_IDS, ownerOf);

/**
 * Draws the next order.
 * @param random returns a number in [0, 1) at each call
 */
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

/** A small random generator in [0, 1) (mulberry32). The same seed draws the same orders. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The scenario's name for people: "two-city, hot, 64 at a time". */
export function nameOf({ cities, products, concurrency }: Scenario): string {
  return `${kindOf(cities)}, ${products}, ${concurrency} at a time`;
}

export function kindOf(cities: number): string {
  return `${["single", "two", "three"][cities - 1]}-city`;
}
