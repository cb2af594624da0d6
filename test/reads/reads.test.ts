/**
 * Goal: nobody reads something older than what they have seen or written, whatever breaks. Method: short
 * runs of `npm run history:reads`; every planted bug fits the source.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createLogger } from "@teranga/kit/process/log.ts";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { edited, ROOT } from "../harness/planted-bug.ts";
import { PLANTED_BUGS } from "./planted-bugs.ts";
import { runRounds, SCENARIOS } from "./rounds.ts";
import { runReads } from "./run-reads.ts";
import { openShop, type Shop } from "./shop.ts";

const READS = Number(process.env.TEST_READS ?? 1_000);
const ROUNDS = 8;

describe("nobody reads something older than what he has seen", () => {
  let shop: Shop;
  beforeAll(async () => {
    const redis = inject("redisMissing") === null ? "one" : "none";
    shop = await openShop({ replicas: 1, redis, log: createLogger("reads", "silent") });
  });
  afterAll(() => shop?.close());

  test.for(SCENARIOS)("while $name", async (scenario, { skip }) => {
    if (scenario.needsRedis && !shop.world.redis) skip();
    const { rounds, failedReads, violations } = await runRounds(shop, scenario, {
      rounds: ROUNDS,
      seed: "1",
    });
    expect(violations).toEqual([]);
    expect(rounds).toBeGreaterThanOrEqual(ROUNDS);
    if (!scenario.mayFail) expect(failedReads).toBe(0);
  });

  test("while everything breaks, and answers without a token are of the last seconds", {
    timeout: 600_000,
  }, async () => {
    const said: string[] = [];
    const terms = { seed: "npm test", reads: READS, clients: 12 };
    const { violations, reads, counts } = await runReads(shop, { ...terms, say: (line) => said.push(line) });
    expect(violations, said.join("\n")).toEqual([]);
    expect(reads).toBeGreaterThanOrEqual(READS);
    // Nothing is proved of a source that answers nothing.
    for (const what of [
      "written",
      "written by hand",
      ...["cache", "replica", "primary"].map((source) => `catalog read from ${source}`),
    ])
      expect(counts.get(what), what).toBeGreaterThan(0);
  });
});

test("each planted bug fits the source as it is", () => {
  for (const { edits } of PLANTED_BUGS)
    for (const edit of edits) edited(readFileSync(join(ROOT, edit.file), "utf8"), edit);
});
