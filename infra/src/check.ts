/**
 * `npm run check`: types, lint and format, dead code, generated files that differ from their sources, imports
 * that break the floors, and wide comments.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { runMain } from "@teranga/kit/process/config.ts";
import { ROOT } from "./config.ts";

const CHECKS: readonly { name: string; command: string; options: readonly string[] }[] = [
  { name: "types", command: "tsc", options: ["--noEmit"] },
  { name: "lint and format", command: "biome", options: ["ci", "--error-on-warnings"] },
  { name: "dead code", command: "knip", options: [] },
  { name: "generated files", command: process.execPath, options: ["infra/src/generate/main.ts", "--check"] },
  { name: "floors", command: process.execPath, options: ["infra/src/floors/main.ts", "--check"] },
  { name: "width of comments", command: process.execPath, options: ["infra/src/comment-width.ts"] },
];

interface Outcome {
  name: string;
  passed: boolean;
}

/**
 * The tools are on the path (bootstrap.mjs). They run one after the other, because their output is shown as
 * it comes.
 */
async function run({ name, command, options }: (typeof CHECKS)[number]): Promise<Outcome> {
  process.stdout.write(`\n── ${name}\n`);
  const child = spawn(command, options, { cwd: ROOT, stdio: "inherit", shell: process.platform === "win32" });
  try {
    const [code] = (await once(child, "close")) as [number | null];
    return { name, passed: code === 0 };
  } catch (error) {
    process.stdout.write(`${(error as Error).message}\n`);
    return { name, passed: false };
  }
}

const usage = {
  command: "npm run check",
  about:
    "Checks types, lint, format, dead code, generated files, imports against the floors, and wide comments.",
};

await runMain(usage, async () => {
  const outcomes: Outcome[] = [];
  for (const check of CHECKS) outcomes.push(await run(check));
  const failed = outcomes.filter(({ passed }) => !passed).map(({ name }) => name);
  process.stdout.write(failed.length === 0 ? "\nAll checks passed.\n" : `\nFailed: ${failed.join(", ")}.\n`);
  process.exit(failed.length === 0 ? 0 : 1);
});
