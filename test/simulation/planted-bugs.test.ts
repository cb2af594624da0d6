/** The simulation can fail: each of the planted bugs breaks a promise within the seeds that it is given. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { edited } from "../harness/planted-bug.ts";
import { PLANTED_BUGS } from "./planted-bugs.ts";
import { runSeeds } from "./worker-pool.ts";

const SEEDS_MAX = 500;

test("a planted bug replaces what is there once, or nothing is planted", () => {
  const edit = { file: "any.ts", find: "b", replace: "x" };
  expect(edited("abc", edit)).toBe("axc");
  expect(() => edited("abcb", edit)).toThrow("2 times");
  expect(() => edited("ac", edit)).toThrow("0 times");
});

test("there are many of them, each with a name of its own", () => {
  expect(new Set(PLANTED_BUGS.map(({ name }) => name)).size).toBe(PLANTED_BUGS.length);
  expect(PLANTED_BUGS.length).toBeGreaterThanOrEqual(59);
});

test("each of them fits the source as it is", () => {
  for (const { edits } of PLANTED_BUGS) {
    for (const edit of edits)
      edited(readFileSync(new URL(`../../${edit.file}`, import.meta.url), "utf8"), edit);
  }
});

/**
 * A bug takes seconds to start with, so `npm test` searches for one; `TEST_PLANTED_BUGS=all` for all, or
 * the name of one.
 */
const SAMPLE = ["last-look-lost"];
const wanted = process.env.TEST_PLANTED_BUGS;
const names = PLANTED_BUGS.map(({ name }) => name).filter(
  (name) => wanted === "all" || (wanted ? name === wanted : SAMPLE.includes(name)),
);
test.for(names)("%s is found", { timeout: 600_000 }, async (bug) => {
  let violation: string | null = null;
  await runSeeds({
    firstSeed: 1,
    seeds: SEEDS_MAX,
    workers: 2,
    bug,
    onResult(result) {
      violation ??= result.violation;
      return violation === null;
    },
  });
  expect(violation).not.toBeNull();
});
