/**
 * Goal: `npm run demo:concurrency` draws what happened and counts right. Method: the program with its output
 * in a pipe.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { WIDTH } from "./timeline.ts";

const PROGRAM = fileURLToPath(new URL("concurrency.ts", import.meta.url));
const run = (...args: string[]) => promisify(execFile)(process.execPath, [PROGRAM, ...args]);

test("draws a row for each buyer, and the pieces add up", { timeout: 120_000 }, async () => {
  const { stdout } = await run("--buyers", "12", "--seed", "test");
  const lines = stdout.trimEnd().split("\n");
  for (const line of lines) expect([...line].length).toBeLessThanOrEqual(WIDTH);
  expect(lines.filter((line) => /^ ?\d+ [a-z-]+ ×\d/.test(line))).toHaveLength(12);
  const [, atFirst, remaining, ordered] = /all cities +(\d+) +(\d+) +(\d+)/.exec(stdout)!.map(Number);
  expect(atFirst).toBe(20);
  expect(remaining! + ordered!).toBe(20);
  expect(ordered).toBeGreaterThan(0);
  expect(stdout).toMatch(/Nothing is lost, nothing is sold twice\.\n$/);
});

test.each([
  [["--buyers", "1"], "Options: --buyers: "],
  [["--buyers", "many"], "Options: --buyers: "],
])("%j is refused in one line", async (args, words) => {
  const error = await run(...args).catch((thrown: { code: number; stderr: string }) => thrown);
  expect(error).toMatchObject({ code: 1, stderr: expect.stringContaining(words) });
  expect((error as { stderr: string }).stderr.trimEnd().split("\n")).toHaveLength(1);
});
