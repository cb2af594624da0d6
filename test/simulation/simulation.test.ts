/** The commit protocol in simulated worlds. `npm run simulate` runs more of them. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Crash, crashAfterEachStep } from "./crash-loop.ts";
import { type RunResult, runSeed } from "./run.ts";
import { CITY_IDS } from "./shop.ts";
import { addCounts, neverReached, SOMETIMES } from "./sometimes.ts";
import { openStage, type Stage } from "./stage.ts";
import { UNKNOWN_BRANCHES, UNREACHED_BRANCHES } from "./unreached-branches.ts";
import { runSeeds } from "./worker-pool.ts";

/** A seed takes about a second of one core. `TEST_SEEDS=1000` is the long run. */
const SEEDS = Number(process.env.TEST_SEEDS ?? 16);
/** So many seeds must have come across everything of `SOMETIMES`; fewer, across half of it. */
const SEEDS_FOR_ALL = 1_000;
const WORKERS = 2;

test(`${SEEDS} seeds break no promise`, { timeout: 60_000 + SEEDS * 4_000 }, async () => {
  const failures: string[] = [];
  const sum = { committed: 0, kills: 0 };
  const reached = new Map<string, number>();
  await runSeeds({
    firstSeed: 1,
    seeds: SEEDS,
    workers: WORKERS,
    onResult({ seed, violation, committed, kills, reached: counts }) {
      if (violation !== null) failures.push(`${violation}\nAgain: npm run simulate -- --seed ${seed}`);
      sum.committed += committed;
      sum.kills += kills;
      addCounts(reached, counts);
      return failures.length < 3;
    },
  });
  expect(failures).toEqual([]);
  // A simulation in which nothing happens finds nothing.
  expect(sum.committed).toBeGreaterThan(3 * SEEDS);
  expect(sum.kills).toBeGreaterThan(SEEDS / 2);
  const never = neverReached(reached);
  expect(UNREACHED_BRANCHES.filter((branch) => reached.has(branch))).toEqual([]);
  if (SEEDS >= SEEDS_FOR_ALL) expect(never).toEqual([]);
  else expect(never.length).toBeLessThan(SOMETIMES.length / 2);
});

test("what no run can reach is a branch of the SQL functions", () => {
  expect(UNKNOWN_BRANCHES).toEqual([]);
});

describe("in this process", () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(() => stage.close());

  test("a seed gives the same history each time, whatever ran before", { timeout: 120_000 }, async () => {
    const histories = async () => {
      const results: RunResult[] = [];
      for (const seed of [1, 2, 3, 4]) results.push(await runSeed(stage, seed));
      return results.map(({ digest }) => digest);
    };
    const first = await histories();
    expect(new Set(first).size).toBe(first.length);
    expect(await histories()).toEqual(first);
  });

  const crashes: Crash[] = [
    { victim: "orders-1", isRestarted: false },
    { victim: "orders-1", isRestarted: true },
    ...CITY_IDS.map((victim) => ({ victim, isRestarted: true })),
  ];
  test.each(crashes)(
    "$victim dies after each durable step (restarted: $isRestarted)",
    { timeout: 120_000 },
    async (crash) => {
      expect(await crashAfterEachStep(stage, crash)).toBeGreaterThan(10);
    },
  );
});
