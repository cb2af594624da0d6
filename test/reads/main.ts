/**
 * `npm run history:reads -- [--reads N] [--seed S] [--clients C] [--replicas R] [--bug NAME]`: clients read
 * and write through two gateways while replicas, services and connections break. Every read is checked
 * against what its session has seen and written. Exit code 1 means a broken promise.
 */

import { runMain } from "@teranga/kit/process/config.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import { readOptions } from "@teranga/kit/process/options.ts";
import { z } from "zod";
import { findBug, plantInModules } from "../harness/planted-bug.ts";
import { PLANTED_BUGS } from "./planted-bugs.ts";

const options = z.object({
  reads: z.coerce.number().int().min(1).max(100_000_000).default(20_000),
  clients: z.coerce.number().int().min(1).max(500).default(16),
  replicas: z.coerce.number().int().min(1).max(5).default(2),
  bug: z.string().default(""),
  seed: z
    .string()
    .min(1)
    .default(() => String(Date.now() % 1_000_000)),
});

const usage = {
  command: "npm run history:reads",
  about: "Checks that nobody reads something older than what he has seen, while everything breaks.",
  options: {
    "--reads N": "How many versions are checked; 20000 by default.",
    "--clients N": "How many read and write at once; 16 by default.",
    "--replicas N": "Of each database; 2 by default.",
    "--seed S": "Decides what is drawn.",
    "--bug NAME": "Plants a bug, which has to be found.",
  },
};
const VIOLATIONS_SHOWN_MAX = 10;

await runMain(usage, async () => {
  const asked = readOptions(options, process.argv.slice(2));
  const startedMs = performance.now();
  const say = (line: string) => {
    const seconds = Math.round((performance.now() - startedMs) / 1_000);
    process.stdout.write(`${String(seconds).padStart(5)} s  ${line}\n`);
  };
  say(`${asked.reads} reads, seed ${asked.seed}${asked.bug && `, with ${asked.bug}`}`);
  const bug = findBug(PLANTED_BUGS, asked.bug);
  plantInModules(bug?.edits ?? []);
  // Not before the bug is planted.
  const { runReads } = await import("./run-reads.ts");
  const log = createLogger("reads", process.env.LOG_LEVEL ?? "silent");
  const { violations, reads, faults, counts, seconds } = await runReads({
    ...asked,
    stopsAtViolation: bug !== undefined,
    log,
    say,
  });
  say(`${reads} reads in ${Math.round(seconds)} s, ${faults} faults, ${violations.length} broken promises`);
  for (const [what, times] of [...counts].sort()) say(`${String(times).padStart(9)}  ${what}`);
  for (const violation of violations.slice(0, VIOLATIONS_SHOWN_MAX)) say(JSON.stringify(violation));
  process.exit(violations.length === 0 ? 0 : 1);
});
