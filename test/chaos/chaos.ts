/**
 * `npm run chaos -- [--minutes M] [--seed S] [--clients N]`: injects random faults into a cluster of its own
 * for M minutes, then checks that nothing is lost, doubled or left over. The seed decides the faults and
 * requests; their results also depend on the machine. Exit code 1 means a violation, and all evidence is
 * kept. Ctrl-C ends the run early, and it is still checked.
 */
import { runMain } from "@teranga/kit/process/config.ts";
import { readOptions } from "@teranga/kit/process/options.ts";
import { z } from "zod";
import { seedOption, startTelling } from "../harness/long-run.ts";
import { reportText } from "./report.ts";
import { runChaos } from "./run-chaos.ts";

const MINUTE_MS = 60_000;
/** At this rate 20 minutes have some 300 kills. */
const FAULT_EVERY_MS = 2_000;

const options = z.object({
  minutes: z.coerce.number().positive().max(600).default(20),
  clients: z.coerce.number().int().min(1).max(200).default(12),
  seed: seedOption,
});

const usage = {
  command: "npm run chaos",
  about: "Hurts a cluster of its own at random, then checks that nothing is lost, doubled or left.",
  options: {
    "--minutes M": "For how long; 20 by default.",
    "--seed S": "Decides what is drawn.",
    "--clients N": "How many buy at once; 12 by default.",
  },
};

await runMain(usage, async () => {
  const { minutes, clients, seed } = readOptions(options, process.argv.slice(2));
  const interrupt = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => interrupt.abort());
  const say = startTelling();
  say(`Chaos for ${minutes} min, seed ${seed}.`);
  const durationMs = minutes * MINUTE_MS;
  const report = await runChaos({
    seed,
    durationMs,
    faultEveryMs: FAULT_EVERY_MS,
    clients,
    signal: interrupt.signal,
    say,
  });
  process.stdout.write(`\n${reportText(report)}`);
  process.exit(report.violations.length === 0 ? 0 : 1);
});
