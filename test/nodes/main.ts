/**
 * `npm run history:nodes -- [--minutes N] [--nodes N] [--seed S]`: all nodes of a catalog are written all the
 * time, while links are cut and healed, servers are killed and logs are compacted at random. Exit code 1
 * means that the nodes have not ended equal, or that an acknowledged edit is gone.
 */
import { runMain } from "@teranga/kit/process/config.ts";
import { readOptions } from "@teranga/kit/process/options.ts";
import { z } from "zod";
import { seedOption, startTelling } from "../harness/long-run.ts";
import { runNodes } from "./run-nodes.ts";

const options = z.object({
  minutes: z.coerce.number().min(0.05).max(600).default(10),
  nodes: z.coerce.number().int().min(2).max(5).default(3),
  seed: seedOption,
});

const usage = {
  command: "npm run history:nodes",
  about: "Checks that nodes of the catalog end equal and lose no acknowledged edit, while everything breaks.",
  options: {
    "--minutes N": "How long is written; 10 by default.",
    "--nodes N": "How many nodes; 3 by default.",
    "--seed S": "Decides what is drawn.",
  },
};
const say = startTelling();

await runMain(usage, async () => {
  const asked = readOptions(options, process.argv.slice(2));
  say(`seed ${asked.seed}, ${asked.nodes} nodes, ${asked.minutes} minutes`);
  const { missing, ...figures } = await runNodes({ ...asked, say });
  for (const [what, count] of Object.entries(figures)) say(`${String(count).padStart(9)}  ${what}`);
  say(`${missing.length} acknowledged edits are missing ${missing.slice(0, 10).join(", ")}`);
  process.exit(missing.length === 0 ? 0 : 1);
});
