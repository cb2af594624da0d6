/**
 * The commit protocol in simulated worlds, all in this process: another one would take eight seconds of a
 * processor to begin. `npm run simulate` runs more of them, on several processes.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { placeWithClockAway } from "./clocks.ts";
import { type Crash, crashAfterEachStep } from "./crash-loop.ts";
import { type RunResult, runSeed } from "./run.ts";
import { CITY_IDS } from "./shop.ts";
import { addCounts, neverReached, SOMETIMES } from "./sometimes.ts";
import { openStage, type Stage } from "./stage.ts";
import { UNKNOWN_BRANCHES, UNREACHED_BRANCHES } from "./unreached-branches.ts";

/** A seed takes half a second to a second of one core. `TEST_SEEDS=1000` is the long run. */
const SEEDS = Number(process.env.TEST_SEEDS ?? 10);
/** So many seeds must have come across everything of `SOMETIMES`; fewer, across half of it. */
const SEEDS_FOR_ALL = 1_000;
const REPEATED_SEEDS = [4, 1, 7];
const FAILURES_MAX = 3;

let stage: Stage;
const digests = new Map<number, string>();
beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage.close());

test(`${SEEDS} seeds break no promise`, { timeout: 60_000 + SEEDS * 4_000 }, async () => {
  const failures: string[] = [];
  const sum = { committed: 0, kills: 0 };
  const reached = new Map<string, number>();
  for (let seed = 1; seed <= SEEDS && failures.length < FAILURES_MAX; seed++) {
    const { violation, committed, kills, reached: counts, digest }: RunResult = await runSeed(stage, seed);
    if (violation !== null) failures.push(`${violation}\nAgain: npm run simulate -- --seed ${seed}`);
    sum.committed += committed;
    sum.kills += kills;
    addCounts(reached, counts);
    digests.set(seed, digest);
  }
  expect(failures).toEqual([]);
  // A simulation in which nothing happens finds nothing.
  expect(sum.committed).toBeGreaterThan(3 * SEEDS);
  expect(sum.kills).toBeGreaterThan(SEEDS / 2);
  const never = neverReached(reached);
  expect(UNREACHED_BRANCHES.filter((branch) => reached.has(branch))).toEqual([]);
  if (SEEDS >= SEEDS_FOR_ALL) expect(never).toEqual([]);
  else expect(never.length).toBeLessThan(SOMETIMES.length / 2);
});

test("a seed gives the same history each time, whatever ran before", { timeout: 120_000 }, async () => {
  expect(new Set(digests.values()).size).toBe(SEEDS);
  for (const seed of REPEATED_SEEDS) expect((await runSeed(stage, seed)).digest).toBe(digests.get(seed));
});

test("what no run can reach is a branch of the SQL functions", () => {
  expect(UNKNOWN_BRANCHES).toEqual([]);
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

const MINUTES_MS = 60_000;
test.each([-10 * MINUTES_MS, -11_000, 11_000, 10 * MINUTES_MS])(
  "an orchestrator's clock that is %d ms away hinders no order",
  async (offsetMs) => {
    await placeWithClockAway(stage, offsetMs);
  },
);
