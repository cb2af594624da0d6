/** The small world of the simulation: three cities, a few clients and products. */
import { parseTopology, partitionsOf, replicasOf } from "@teranga/kit/topology.ts";

/** Thiès is nearer to Dakar than the default city is. */
export const TOPOLOGY = parseTopology(`
subgraphs:
  catalog: { replicas: ["http://catalog/graphql"] }
  city:
    partitions:
      dakar: { name: Dakar, towns: [Dakar], location: { latitude: 14.69, longitude: -17.44 }, urls: ["http://dakar/graphql"] }
      thies: { name: Thiès, towns: [Thiès], location: { latitude: 14.79, longitude: -16.93 }, urls: ["http://thies/graphql"] }
      autres: { name: Autres, default: true, towns: [], location: { latitude: 14.15, longitude: -12.07 }, urls: ["http://autres/graphql"] }
`);
export const CITY_PLACEMENT = partitionsOf(TOPOLOGY, "city");
export const CATALOG_URLS = replicasOf(TOPOLOGY, "catalog");
export const CITY_IDS = CITY_PLACEMENT.partitions.map(({ id }) => id);
export const ORCHESTRATORS = ["orders-1", "orders-2"];

export const PRODUCTS = ["101", "102", "103"];
export const UNKNOWN_PRODUCT = "999";
/** The prices at the beginning; the catalog changes them now and then. */
export const PRICES: Readonly<Record<string, number>> = { "101": 1_000, "102": 2_500, "103": 400 };

/** What a city has at the beginning. */
export interface CitySeed {
  clients: string[];
  stock: [productId: string, onHand: number][];
}

export function clientsOf(cityId: string): string[] {
  return [`${cityId}:1`, `${cityId}:2`];
}
