import { expect, test } from "vitest";
import { LastLevels } from "./last-levels.ts";

let nowMs = 0;
const clock = { nowMs: () => nowMs, random: () => 0 };

test("the last levels of a city are known, those of each product as it was read last, and only those that were", () => {
  const last = new LastLevels(clock);
  last.remember(
    "dakar",
    new Map([
      ["101", 3],
      ["102", 4],
    ]),
  );
  last.remember(
    "dakar",
    new Map([
      ["101", 2],
      ["103", 0],
    ]),
  );
  last.remember("thies", new Map([["101", 9]]));
  expect(last.of("dakar")).toEqual(
    new Map([
      ["101", 2],
      ["102", 4],
    ]),
  );
  expect(last.of("autres")).toEqual(new Map());
});

test("what is sold out, or made up, takes no room; of all else 10,000 products a city do at most", () => {
  const last = new LastLevels(clock);
  last.remember("dakar", new Map([["101", 3]]));
  for (let k = 0; k < 20_000; k++) last.remember("dakar", new Map([[`none ${k}`, 0]]));
  expect(last.of("dakar")).toEqual(new Map([["101", 3]]));
  for (let k = 0; k < 15_000; k++) last.remember("dakar", new Map([[`${k}`, 1]]));
  expect(last.of("dakar").size).toBeLessThanOrEqual(10_000);
  expect(last.of("dakar").has("14999")).toBe(true);
});

test("a city that was silent for more than a second is worth no guess", () => {
  const last = new LastLevels(clock);
  last.remember("dakar", new Map([["101", 3]]));
  nowMs += 1_000;
  expect(last.recentlyOf("dakar")).toEqual(new Map([["101", 3]]));
  nowMs += 1;
  expect(last.recentlyOf("dakar")).toEqual(new Map());
  expect(last.of("dakar")).toEqual(new Map([["101", 3]]));
  last.remember("dakar", new Map());
  expect(last.recentlyOf("dakar")).toEqual(new Map([["101", 3]]));
});
