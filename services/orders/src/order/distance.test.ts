import type { Partition } from "@teranga/kit/topology/topology.ts";
import { expect, test } from "vitest";
import { distanceKm, nearestFirst } from "./distance.ts";

const DAKAR = { latitude: 14.69, longitude: -17.44 };
const THIES = { latitude: 14.79, longitude: -16.93 };
const SAINT_LOUIS = { latitude: 16.02, longitude: -16.49 };

function city(id: string, location: Partition["location"]): Partition {
  return { id, name: id, claims: [], isDefault: false, location, urls: [] };
}

test("the distance from Dakar to Thiès is 56 km, to Saint-Louis 180 km, the same back, and none to itself", () => {
  expect(Math.round(distanceKm(DAKAR, THIES))).toBe(56);
  expect(Math.round(distanceKm(DAKAR, SAINT_LOUIS))).toBe(180);
  expect(distanceKm(SAINT_LOUIS, DAKAR)).toBeCloseTo(distanceKm(DAKAR, SAINT_LOUIS), 9);
  expect(distanceKm(DAKAR, DAKAR)).toBe(0);
});

test("the home comes first, then the nearest; equal distances are ordered by id", () => {
  const cities = [
    city("twin-b", THIES),
    city("saint-louis", SAINT_LOUIS),
    city("twin-a", THIES),
    city("dakar", DAKAR),
  ];
  expect(nearestFirst(cities, "dakar")).toEqual(["dakar", "twin-a", "twin-b", "saint-louis"]);
  expect(nearestFirst(cities, "saint-louis")).toEqual(["saint-louis", "twin-a", "twin-b", "dakar"]);
});
