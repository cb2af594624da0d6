/** Distances between cities. */
import type { Partition } from "@teranga/kit/topology/topology.ts";

const EARTH_RADIUS_KM = 6_371;

/** The ids of all cities: the home first, then by the distance of their warehouses, then by id. */
export function nearestFirst(cities: readonly Partition[], homeId: string): string[] {
  const home = cities.find(({ id }) => id === homeId)!;
  const others = cities
    .filter(({ id }) => id !== homeId)
    .map(({ id, location }) => ({ id, distanceKm: distanceKm(home.location, location) }))
    .sort((a, b) => a.distanceKm - b.distanceKm || (a.id < b.id ? -1 : 1));
  return [homeId, ...others.map(({ id }) => id)];
}

/** The great-circle distance (haversine formula). Roads are longer, but rarely in another order. */
export function distanceKm(from: Partition["location"], to: Partition["location"]): number {
  const halfLatitude = radians(to.latitude - from.latitude) / 2;
  const halfLongitude = radians(to.longitude - from.longitude) / 2;
  const chord =
    Math.sin(halfLatitude) ** 2 +
    Math.cos(radians(from.latitude)) * Math.cos(radians(to.latitude)) * Math.sin(halfLongitude) ** 2;
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.min(1, Math.sqrt(chord)));
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180;
}
