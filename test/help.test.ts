/**
 * Goal: every program prints its usage on `--help` and does nothing else, and refuses an unknown option in
 * one line. Method: all programs are called.
 */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { bareEnvironment } from "../kit/test/bare-environment.ts";
import type { Outcome } from "./harness/call-programs.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PROGRAM = /infra\/bootstrap\.mjs (\S+\.ts)$/;
/** Vitest and Biome have a help of their own. */
const TOOLS = ["test", "test:quick", "test:container", "format"];
/** Programs that are started by hand and are not in the scripts. */
const BY_HAND = [
  "gateway/src/main.ts",
  "gateway/src/partition-proxy.ts",
  "services/catalog/src/main.ts",
  "services/city/src/main.ts",
  "services/mobile-money/src/main.ts",
  "services/orders/src/main.ts",
];

const CALLER = "test/harness/call-programs.ts";
/** Tests import this program, so it runs only as a process of its own. */
const ALONE = "schema/client/example.ts";

/** Runs a program to its end and returns its output and exit code. */
function run(program: string, ...args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const settings = { cwd: ROOT, env: bareEnvironment, timeout: 60_000 };
    execFile(process.execPath, [program, ...args], settings, (error, stdout, stderr) => {
      resolve({ program, code: error ? Number(error.code) : 0, stdout, stderr });
    });
  });
}

/** Calls all programs, most of them in one process. */
async function callAll(option: string): Promise<Map<string, Outcome>> {
  const together = programs.map(({ program }) => program).filter((program) => program !== ALONE);
  const [alone, caller] = await Promise.all([run(ALONE, option), run(CALLER, option, ...together)]);
  expect(caller).toMatchObject({ code: 0, stderr: "" });
  const outcomes = [alone, ...(JSON.parse(caller.stdout) as Outcome[])];
  return new Map(outcomes.map((outcome) => [outcome.program, outcome]));
}

const { scripts } = JSON.parse(await readFile(`${ROOT}/package.json`, "utf8")) as {
  scripts: Record<string, string>;
};

test("each script is a program of ours, or a tool", () => {
  const others = Object.entries(scripts).filter(([, command]) => !PROGRAM.test(command));
  expect(others.map(([name]) => name)).toEqual(TOOLS);
});

const programs = [
  ...Object.entries(scripts).flatMap(([name, command]) => {
    const program = PROGRAM.exec(command)?.[1];
    return program === undefined
      ? []
      : [{ command: name === "start" ? "npm start" : `npm run ${name}`, program }];
  }),
  ...BY_HAND.map((program) => ({ command: `node ${program}`, program })),
];

let helps: Map<string, Outcome>;
let refusals: Map<string, Outcome>;
beforeAll(async () => {
  [helps, refusals] = await Promise.all([callAll("--help"), callAll("--no-such-option")]);
}, 120_000);

describe.each(programs)("$command", ({ command, program }) => {
  test("--help says what it is and how it is used, and nothing is done", () => {
    const { code, stdout, stderr } = helps.get(program)!;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(
      new RegExp(`^${command}: [A-Z].+\\.\n\nUsage: ${command}.*\n\nOptions:\n[\\s\\S]*  --help +Shows this`),
    );
  });

  test("an option that it does not have is one line that names it", () => {
    const { code, stdout, stderr } = refusals.get(program)!;
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^[^\n]*--no-such-option[^\n]*\n$/);
  });
});
