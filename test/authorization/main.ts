/**
 * `npm run authorization -- [--operations N] [--seed S] [--hole NAME]`: random operations by everybody on
 * graphs with access directives at random places, against one schema that refuses by the definition. Exit
 * code 1 means that somebody got what is not theirs, or did not get what is.
 */
import { runMain } from "@teranga/kit/process/config.ts";
import { readOptions } from "@teranga/kit/process/options.ts";
import { z } from "zod";
import { seedOption, startTelling } from "../harness/long-run.ts";
import { findBug, plantInModules } from "../harness/planted-bug.ts";
import { PLANTED_HOLES } from "./planted-holes.ts";

const options = z.object({
  operations: z.coerce.number().int().min(1).max(100_000_000).default(5_000),
  hole: z.string().default(""),
  seed: seedOption,
});

const usage = {
  command: "npm run authorization",
  about: "Checks by random operations that nobody is answered what is not theirs.",
  options: {
    "--operations N": "How many operations are asked, each by everybody; 5000 by default.",
    "--seed S": "Decides what is drawn.",
    "--hole NAME": "Plants a hole, which has to be found.",
  },
};
const say = startTelling();

await runMain(usage, async () => {
  const { operations: count, hole, seed } = readOptions(options, process.argv.slice(2));
  say(`seed ${seed}${hole && `, with ${hole}`}`);
  plantInModules(findBug(PLANTED_HOLES, hole)?.edits ?? []);
  // Not before the hole is planted.
  const { runOperations } = await import("./run-operations.ts");
  const { operations, refusals, unplanned, leaks } = await runOperations(count, seed);
  say(`${operations} operations, ${refusals} refusals, ${unplanned} not planned, ${leaks.length} leaks`);
  for (const leak of leaks) say(leak);
  process.exit(leaks.length === 0 ? 0 : 1);
});
