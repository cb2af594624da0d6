/**
 * `npm run simulate -- --seeds N [--from S] [--workers W] [--bug NAME]` runs N seeds; `-- --seed S [--bug
 * NAME]` runs one and prints its history. Ends with 1 if a promise was broken.
 */
import { runMain } from "@teranga/kit/process/config.ts";
import { readOptions } from "@teranga/kit/process/options.ts";
import { z } from "zod";
import type { RunResult } from "./run.ts";
import { addCounts, SOMETIMES } from "./sometimes.ts";
import { runSeeds } from "./worker-pool.ts";

const wholeNumber = z.coerce.number().int().min(1);
const options = z.object({
  seeds: wholeNumber.default(1_000),
  from: wholeNumber.default(1),
  seed: wholeNumber.optional(),
  workers: wholeNumber.default(2),
  bug: z.string().optional(),
});

const usage = {
  command: "npm run simulate",
  about: "Runs the real orchestrator, cities and SQL under seeds, with crashes and a broken network.",
  options: {
    "--seeds N": "How many seeds; 1000 by default.",
    "--from S": "The first seed; 1 by default.",
    "--seed S": "This one alone, with its history.",
    "--workers W": "How many run side by side; 2 by default.",
    "--bug NAME": "Plants a bug, which has to be found.",
  },
};
const PROGRESS_EVERY_MS = 10_000;

await runMain(usage, async () => {
  const values = readOptions(options, process.argv.slice(2));
  await (values.seed === undefined ? runMany(values) : runOne(values.seed, values.bug));
});

async function runMany({ seeds, from, workers, bug }: z.infer<typeof options>): Promise<void> {
  const suffix = bug ? ` --bug ${bug}` : "";
  // With more failures than these the first ones say as much.
  const failuresMax = bug ? 1 : 5;
  const startedMs = performance.now();
  const failures: RunResult[] = [];
  const sum = { runs: 0, kills: 0, committed: 0, writes: 0 };
  const reached = new Map<string, number>();
  let toldMs = startedMs;
  const tell = () => {
    const seconds = (performance.now() - startedMs) / 1000;
    const rate = (count: number) => `${count} (${(count / seconds).toFixed(1)} a second)`;
    const { kills, committed, writes } = sum;
    console.log(
      `${seconds.toFixed(0)} s: ${rate(sum.runs)} seeds, ${rate(committed)} commits, ${writes} writes, ${kills} processes killed, ${failures.length} failures`,
    );
  };
  await runSeeds({
    firstSeed: from,
    seeds,
    workers,
    bug,
    onResult(result) {
      sum.runs++;
      sum.kills += result.kills;
      sum.committed += result.committed;
      sum.writes += result.writes;
      addCounts(reached, result.reached);
      if (result.violation !== null) {
        failures.push(result);
        // A run of hours may be ended before it comes to its report.
        console.log(`Seed ${result.seed}: ${result.violation}`);
      }
      if (performance.now() - toldMs > PROGRESS_EVERY_MS) {
        toldMs = performance.now();
        tell();
      }
      return failures.length < failuresMax;
    },
  });
  tell();
  if (!bug) {
    const counts = SOMETIMES.map((name) => `${String(reached.get(name) ?? 0).padStart(9)} ${name}`);
    console.log(`Reached:\n${counts.join("\n")}`);
  }
  if (failures[0]) console.log(failures[0].history.join("\n"));
  for (const { seed, violation } of failures) {
    console.log(`\nSeed ${seed}: ${violation}\nAgain: npm run simulate -- --seed ${seed}${suffix}`);
  }
  if (bug)
    console.log(failures.length > 0 ? `\n${bug}: found after ${sum.runs} seeds` : `\n${bug}: not found`);
  process.exitCode = failures.length > 0 ? 1 : 0;
}

async function runOne(seed: number, bug: string | undefined): Promise<void> {
  await runSeeds({
    firstSeed: seed,
    seeds: 1,
    workers: 1,
    bug,
    wantsHistory: true,
    onResult({ history, violation, digest }) {
      console.log(history.join("\n"));
      console.log(`Seed ${seed}: ${violation ?? "nothing was broken"}; history ${digest}`);
      process.exitCode = violation === null ? 0 : 1;
      return false;
    },
  });
}
