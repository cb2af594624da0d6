/** Counts the pieces of a product: on hand in the cities, and in orders. */

import type { CityDatabases } from "@teranga/infra/broken-invariants.ts";
import { CITIES } from "@teranga/infra/cities.ts";

export interface Pieces {
  onHand: number;
  /** The pieces that orders of all cities have from this city. */
  ordered: number;
}

/** By city. */
export async function readPieces(productId: string, databases: CityDatabases): Promise<Map<string, Pieces>> {
  const pieces = new Map<string, Pieces>();
  for (const [city, sql] of databases) {
    const [row] = await sql<
      { onHand: number }[]
    >`select on_hand as "onHand" from stock where product_id = ${productId}`;
    pieces.set(city, { onHand: row?.onHand ?? 0, ordered: 0 });
  }
  for (const sql of databases.values()) {
    const rows = await sql<{ city: string; quantity: number }[]>`
      select city_id as city, quantity from order_allocation where product_id = ${productId}`;
    for (const { city, quantity } of rows) pieces.get(city)!.ordered += quantity;
  }
  return pieces;
}

/** The city's name for people. */
export const cityName = (cityId: string) => CITIES.find(({ id }) => id === cityId)?.name ?? cityId;

export const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);

export function drawPieces(
  before: ReadonlyMap<string, Pieces>,
  after: ReadonlyMap<string, Pieces>,
): string[] {
  const row = (name: string, cells: readonly (number | string)[]) =>
    `${name.padEnd(14)}${cells.map((cell) => String(cell).padStart(12)).join("")}`;
  const cities = [...before.keys()];
  const columns = [
    cities.map((city) => before.get(city)!.onHand),
    cities.map((city) => after.get(city)!.onHand),
    cities.map((city) => after.get(city)!.ordered),
  ];
  return [
    row("", ["at first", "remaining", "ordered"]),
    ...cities.map((city, index) =>
      row(
        cityName(city),
        columns.map((column) => column[index]!),
      ),
    ),
    row("all cities", columns.map(sum)),
  ];
}
