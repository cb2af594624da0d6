/** The small world of the simulation: three cities, a few clients and products. */
import { parseTopology, partitionsOf, replicasOf, type Topology } from "@teranga/kit/topology/topology.ts";

/** Thiès is nearer to Dakar than the default city is. */
export const TOPOLOGY = topologyOf(1);
export const CITY_PLACEMENT = partitionsOf(TOPOLOGY, "city");
/** The same cities, each with so many instances of its service over its one database. */
export const placementOf = (instances: number) =>
  instances === 1 ? CITY_PLACEMENT : partitionsOf(topologyOf(instances), "city");
export const CATALOG_URLS = replicasOf(TOPOLOGY, "catalog");

function topologyOf(instances: number): Topology {
  const urls = (cityId: string) =>
    JSON.stringify(hostsOf(cityId, instances).map((host) => `http://${host}/graphql`));
  return parseTopology(`
subgraphs:
  catalog: { replicas: ["http://catalog/graphql"] }
  city:
    partitions:
      dakar: { name: Dakar, towns: [Dakar], location: { latitude: 14.69, longitude: -17.44 }, urls: ${urls("dakar")} }
      thies: { name: Thiès, towns: [Thiès], location: { latitude: 14.79, longitude: -16.93 }, urls: ${urls("thies")} }
      autres: { name: Autres, default: true, towns: [], location: { latitude: 14.15, longitude: -12.07 }, urls: ${urls("autres")} }
`);
}

/** The first instance has the city's name. */
export function hostsOf(cityId: string, instances: number): string[] {
  return Array.from({ length: instances }, (_, index) => (index === 0 ? cityId : `${cityId}-${index + 1}`));
}
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
