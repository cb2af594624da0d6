/**
 * Goal: an object is one site however many places it stands at, and each of its places is found when there is
 * an error to report.
 */
import { expect, test } from "vitest";
import type { JsonObject } from "../ground/answer.ts";
import { placesOf, sitesAt } from "./sites.ts";

const a: JsonObject = { id: "a" };
const b: JsonObject = { id: "b" };
const data: JsonObject = {
  list: [{ inner: [a, b] }, { inner: [a, null] }, null, { inner: null }, { other: [a] }],
  grid: [[a], [b, a], null],
  one: a,
};

test("sites are distinct objects; null and absent ones are none", () => {
  expect(sitesAt([data], ["list", "@", "inner", "@"], true)).toEqual([a, b]);
  expect(sitesAt([data], ["list", "@", "inner", "@"], false)).toEqual([a, b, a]);
  expect(sitesAt([data], ["grid", "@", "@"], true)).toEqual([a, b]);
  expect(sitesAt([data], ["one"], true)).toEqual([a]);
  expect(sitesAt([data], ["list", "@", "missing", "@"], true)).toEqual([]);
  expect(sitesAt([data], ["toString"], true)).toEqual([]);
  expect(sitesAt([data], [], true)).toEqual([data]);
});

test("an object's places are all it has below the path, in the answer's order", () => {
  const places = placesOf(data, ["list", "@", "inner", "@"], new Set([a]));
  expect(places.get(a)).toEqual([
    ["list", 0, "inner", 0],
    ["list", 1, "inner", 0],
  ]);
  expect(places.has(b)).toBe(false);
  expect(placesOf(data, ["grid", "@", "@"], new Set([a, b])).get(a)).toEqual([
    ["grid", 0, 0],
    ["grid", 1, 1],
  ]);
  expect(placesOf(data, [], new Set([data])).get(data)).toEqual([[]]);
});
