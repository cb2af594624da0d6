/**
 * Every program says how it is used, does nothing then, and refuses an option that it does not have in one
 * line.
 */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { bareEnvironment } from "../kit/test/bare-environment.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PROGRAM = /infra\/bootstrap\.mjs (\S+\.ts)$/;
/** Vitest and Biome have a help of their own. */
const TOOLS = ["test", "test:container", "format"];
/** Beside the scripts: what is started by hand. */
const BY_HAND = [
  "gateway/src/main.ts",
  "gateway/src/partition-proxy.ts",
  "services/catalog/src/main.ts",
  "services/city/src/main.ts",
  "services/orders/src/main.ts",
];

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

function run(program: string, option: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const settings = { cwd: ROOT, env: bareEnvironment, timeout: 60_000 };
    execFile(process.execPath, [program, option], settings, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
    });
  });
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

describe.each(programs)("$command", ({ command, program }) => {
  let help: Outcome;
  let refusal: Outcome;
  beforeAll(async () => {
    [help, refusal] = await Promise.all([run(program, "--help"), run(program, "--no-such-option")]);
  }, 120_000);

  test("--help says what it is and how it is used, and nothing is done", () => {
    const { code, stdout, stderr } = help;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(
      new RegExp(`^${command}: [A-Z].+\\.\n\nUsage: ${command}.*\n\nOptions:\n[\\s\\S]*  --help +Shows this`),
    );
  });

  test("an option that it does not have is one line that names it", () => {
    const { code, stdout, stderr } = refusal;
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^[^\n]*--no-such-option[^\n]*\n$/);
  });
});
