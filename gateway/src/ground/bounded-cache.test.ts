/**
 * Goal: a cache keeps within its bounds, and a caller that fills it does not displace busier ones. Method:
 * keys whose weight is their length.
 */
import { expect, test } from "vitest";
import { heapGrownBytes } from "../fixture/heap.ts";
import { BoundedCache, SHARES } from "./bounded-cache.ts";

function createCache(limits: { entriesMax: number; weightMax: number }) {
  const cache = new BoundedCache<string>({ ...limits, weigh: (key) => key.length });
  const made: string[] = [];
  const use = (key: string) =>
    cache.get(key, () => {
      made.push(key);
      return `value of ${key}`;
    });
  const madeBy = (keys: readonly string[]) => {
    made.length = 0;
    for (const key of keys) expect(use(key)).toBe(`value of ${key}`);
    return [...made];
  };
  return { cache, use, madeBy };
}

const keys = (count: number, form: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => form(index));

test("what is asked for again is there, until it is deleted", () => {
  const { cache, madeBy } = createCache({ entriesMax: 8, weightMax: 100 });
  expect(madeBy(["a", "b", "a", "c", "a", "b"])).toEqual(["a", "b", "c"]);
  expect(cache.find("a")).toBe("value of a");
  cache.delete("a");
  expect(cache.find("a")).toBeUndefined();
  expect(madeBy(["a", "b"])).toEqual(["a"]);
});

test("all entries together are no more, and weigh no more, than is allowed", () => {
  const kept: string[] = [];
  const cache = new BoundedCache<string>({ entriesMax: 40, weightMax: 400, weigh: (key) => key.length });
  for (let index = 0; index < 2_000; index++) {
    const key = `${index % 77}`.padEnd((index * 7) % 60, ".");
    cache.get(key, () => key);
    kept.push(key);
    const left = [...new Set(kept)].filter((each) => cache.find(each) !== undefined);
    expect(left.length).toBe(cache.size);
    expect(cache.size).toBeLessThanOrEqual(40);
    expect(left.join("").length).toBeLessThanOrEqual(400);
  }
});

test("the heaviest entry that there may be is kept when it comes, full as the cache may be", () => {
  const { madeBy } = createCache({ entriesMax: 1_000, weightMax: 400 });
  for (let round = 0; round < 3; round++) madeBy(keys(100, (index) => `${1_000 + index}`));
  const heaviest = "x".repeat(400 / SHARES);
  expect(madeBy([heaviest, heaviest, heaviest])).toEqual([heaviest]);
});

test("a client that sends heavy entries one after the other, each a few times, drives out nothing that is used more", () => {
  const { madeBy } = createCache({ entriesMax: 1_000, weightMax: 4_000 });
  const everybodys = keys(200, (index) => `shape ${index}`.padEnd(10));
  for (let round = 0; round < 5; round++) madeBy(everybodys);
  for (let index = 0; index < 100; index++) {
    madeBy(keys(3, () => `${index}`.padEnd(4_000 / SHARES, "x")));
  }
  expect(madeBy(everybodys)).toEqual([]);
});

test("nor does one that sends any number of light ones", () => {
  const { madeBy } = createCache({ entriesMax: 100, weightMax: 4_000 });
  const everybodys = keys(50, (index) => `shape ${index}`);
  for (let round = 0; round < 5; round++) madeBy(everybodys);
  for (let index = 0; index < 120; index++) madeBy([`${index}`, `${index}`]);
  expect(madeBy(everybodys)).toEqual([]);
});

test("what nobody asks for any more makes room", () => {
  const { madeBy } = createCache({ entriesMax: 40, weightMax: 4_000 });
  const [old, young] = [keys(30, (index) => `old ${index}`), keys(30, (index) => `young ${index}`)];
  for (let round = 0; round < 20; round++) madeBy(old);
  for (let round = 0; round < 20; round++) madeBy(young);
  expect(madeBy(young)).toEqual([]);
});

test("an entry that is as heavy as the whole cache is made each time, and drives nothing out", () => {
  const { madeBy } = createCache({ entriesMax: 100, weightMax: 40 });
  expect(madeBy(["a", "x".repeat(40), "x".repeat(40), "a"])).toEqual(["a", "x".repeat(40), "x".repeat(40)]);
});

test("keys that are looked for and not there keep nothing, long as they may be", async () => {
  const { cache } = createCache({ entriesMax: 1_000, weightMax: 4_000 });
  const grownBytes = await heapGrownBytes(() => {
    for (let index = 0; index < 500; index++) cache.find(`${index}`.padEnd(100_000, "x"));
  });
  expect(grownBytes).toBeLessThan(10_000_000);
  expect(cache.size).toBe(0);
});

test("a long key is counted like a short one", () => {
  const { madeBy } = createCache({ entriesMax: 8, weightMax: 4_000 });
  const [busy] = keys(1, () => "busy".padEnd(100, "x"));
  for (let round = 0; round < 5; round++) madeBy([busy!]);
  madeBy(keys(12, (index) => `${index}`));
  expect(madeBy([busy!])).toEqual([]);
});
