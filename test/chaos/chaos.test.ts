/** Goal: the cluster survives chaos. Method: a short run of `npm run chaos`. */
import { access } from "node:fs/promises";
import { expect, test } from "vitest";
import { reportText } from "./report.ts";
import { runChaos } from "./run-chaos.ts";

const DURATION_MS = 12_000;

test("killed, paused and cut off, the shop loses nothing and doubles nothing", {
  timeout: 300_000,
}, async () => {
  const said: string[] = [];
  const say = (line: string) => said.push(line);
  const report = await runChaos({
    seed: "test",
    durationMs: DURATION_MS,
    faultEveryMs: 1_500,
    clients: 6,
    say,
  });
  // A failure can only be understood from the whole report.
  if (report.violations.length > 0) process.stdout.write(reportText(report));
  expect(report.violations).toEqual([]);
  expect(report.evidence).toBeNull();

  expect(report.faults.filter(({ fault }) => fault.kind === "kill").length).toBeGreaterThan(2);
  expect(report.operations.filter(({ answer }) => answer.kind === "happened").length).toBeGreaterThan(20);
  expect(report.commits).toBeGreaterThan(20);
  const directory = /cluster is up in (\S+)\.$/.exec(said[0]!)![1]!;
  await expect(access(directory)).rejects.toThrow("ENOENT");
});
