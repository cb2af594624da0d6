import { expect, test } from "vitest";
import { BoundedCache } from "./bounded-cache.ts";

function createCache(limits: { entriesMax: number; weightMax: number; entryWeightMax: number }) {
  const cache = new BoundedCache<string>({ ...limits, weigh: (key) => key.length });
  const made: string[] = [];
  const use = (key: string) =>
    cache.get(key, () => {
      made.push(key);
      return `value of ${key}`;
    });
  return { use, made };
}

test("what was not used for the longest time goes first", () => {
  const { use, made } = createCache({ entriesMax: 2, weightMax: 100, entryWeightMax: 100 });
  for (const key of ["a", "b", "a", "c", "a", "b"]) expect(use(key)).toBe(`value of ${key}`);
  expect(made).toEqual(["a", "b", "c", "b"]);
});

test("all entries together weigh no more than is allowed", () => {
  const { use, made } = createCache({ entriesMax: 100, weightMax: 6, entryWeightMax: 6 });
  for (const key of ["aaa", "bbb", "c", "bbb", "c", "aaa", "dddddd", "c"]) use(key);
  expect(made).toEqual(["aaa", "bbb", "c", "aaa", "dddddd", "c"]);
});

test("an entry that is too heavy is made each time, and drives nothing out", () => {
  const { use, made } = createCache({ entriesMax: 100, weightMax: 6, entryWeightMax: 3 });
  for (const key of ["a", "heavy", "heavy", "a"]) use(key);
  expect(made).toEqual(["a", "heavy", "heavy"]);
});
