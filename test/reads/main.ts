/**
 * `npm run history:reads -- [--reads N | --rounds N] [--seed S] [--bug NAME] …` (`--help` names all): clients
 * read and write through two gateways while replicas, services, connections and Redis break. Every read is
 * checked against what its session has seen and written. Exit code 1 means a broken promise.
 */

import { runMain } from "@teranga/kit/process/config.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import { readOptions } from "@teranga/kit/process/options.ts";
import { closeOnSignal } from "@teranga/kit/process/shutdown.ts";
import { z } from "zod";
import { ensureRedis } from "../../kit/test/redis-programs.ts";
import { seedOption, startTelling } from "../harness/long-run.ts";
import { findBug, plantInModules } from "../harness/planted-bug.ts";
import { PLANTED_BUGS } from "./planted-bugs.ts";
import type { Violation } from "./read-promises.ts";
import type { RunOptions } from "./run-reads.ts";
import type { Shop } from "./shop.ts";

const options = z.object({
  reads: z.coerce.number().int().min(1).max(100_000_000).default(20_000),
  rounds: z.coerce.number().int().min(1).max(1_000_000).optional(),
  clients: z.coerce.number().int().min(1).max(500).default(24),
  replicas: z.coerce.number().int().min(1).max(5).default(2),
  redis: z.enum(["none", "one", "sentinels"]).default("sentinels"),
  bug: z.string().default(""),
  seed: seedOption,
});

const usage = {
  command: "npm run history:reads",
  about: "Checks that nobody reads something older than what he has seen, while everything breaks.",
  options: {
    "--reads N": "How many versions are checked; 20000 by default.",
    "--rounds N":
      "Instead: N rounds of a write and its reading, while one thing is broken; for each such thing.",
    "--clients N": "How many read and write at once; 24 by default.",
    "--replicas N": "Of each database; 2 by default.",
    "--redis KIND":
      "none, one or sentinels (a primary, its replica and three sentinels); sentinels by default.",
    "--seed S": "Decides what is drawn.",
    "--bug NAME": "Plants a bug, which has to be found.",
  },
};
const VIOLATIONS_SHOWN_MAX = 10;
const say = startTelling();

await runMain(usage, async () => {
  const asked = readOptions(options, process.argv.slice(2));
  const missing = asked.redis === "none" ? undefined : ensureRedis();
  if (missing !== undefined) say(`NOT TRIED: everything with Redis, because ${missing}`);
  const redis = missing === undefined ? asked.redis : "none";
  say(`seed ${asked.seed}${asked.bug && `, with ${asked.bug}`}`);
  const bug = findBug(PLANTED_BUGS, asked.bug);
  plantInModules(bug?.edits ?? []);
  // Not before the bug is planted.
  const { openShop } = await import("./shop.ts");
  const log = createLogger("reads", process.env.LOG_LEVEL ?? "silent");
  const shop = await openShop({ replicas: asked.replicas, redis, log });
  closeOnSignal(shop.close, log);
  const { rounds } = asked;
  const isKept = await (rounds === undefined
    ? history(shop, { ...asked, stopsAtViolation: bug !== undefined })
    : allRounds(shop, { ...asked, rounds })
  ).finally(shop.close);
  process.exit(isKept ? 0 : 1);
});

/** @returns whether all promises were kept */
async function history(shop: Shop, terms: Omit<RunOptions, "say">): Promise<boolean> {
  const { runReads } = await import("./run-reads.ts");
  const { violations, reads, faults, counts, seconds } = await runReads(shop, { ...terms, say });
  say(`${reads} reads in ${Math.round(seconds)} s, ${faults} faults, ${violations.length} broken promises`);
  for (const [what, times] of [...counts].sort()) say(`${String(times).padStart(9)}  ${what}`);
  show(violations);
  return violations.length === 0;
}

async function allRounds(shop: Shop, terms: { rounds: number; seed: string }): Promise<boolean> {
  const { runRounds, SCENARIOS } = await import("./rounds.ts");
  let isKept = true;
  for (const scenario of SCENARIOS) {
    if (scenario.needsRedis && !shop.world.redis) continue;
    const { rounds, failedReads, failures, violations, seconds } = await runRounds(shop, scenario, terms);
    const failed = [...failures].map(([what, times]) => `, ${times} × ${what}`).join("");
    say(
      `${scenario.name}: ${rounds} rounds in ${Math.round(seconds)} s, ${violations.length} broken promises${failed}`,
    );
    show(violations);
    isKept &&= violations.length === 0 && (failedReads === 0 || scenario.mayFail === true);
  }
  return isKept;
}

function show(violations: readonly Violation[]): void {
  for (const violation of violations.slice(0, VIOLATIONS_SHOWN_MAX)) say(JSON.stringify(violation));
}
