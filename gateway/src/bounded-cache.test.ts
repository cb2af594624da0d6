import { expect, test } from "vitest";
import { BoundedCache } from "./bounded-cache.ts";

test("what was not used for the longest time goes first", () => {
  const cache = new BoundedCache<string>(2);
  const made: string[] = [];
  const use = (key: string) =>
    cache.get(key, () => {
      made.push(key);
      return `value of ${key}`;
    });
  for (const key of ["a", "b", "a", "c", "a", "b"]) expect(use(key)).toBe(`value of ${key}`);
  expect(made).toEqual(["a", "b", "c", "b"]);
});
