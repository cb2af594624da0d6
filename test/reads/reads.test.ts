/**
 * Goal: nobody reads something older than what they have seen or written, whatever breaks. Method: a short
 * run of `npm run history:reads`; every planted bug fits the source.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createLogger } from "@teranga/kit/process/log.ts";
import { expect, test } from "vitest";
import { edited, ROOT } from "../harness/planted-bug.ts";
import { PLANTED_BUGS } from "./planted-bugs.ts";
import { runReads } from "./run-reads.ts";

const READS = Number(process.env.TEST_READS ?? 1_000);

test("sessions never go back, and answers without a token are of the last seconds", {
  timeout: 600_000,
}, async () => {
  const said: string[] = [];
  const { violations, reads, counts } = await runReads({
    seed: "npm test",
    reads: READS,
    clients: 12,
    replicas: 1,
    log: createLogger("reads", "silent"),
    say: (line) => said.push(line),
  });
  expect(violations, said.join("\n")).toEqual([]);
  expect(reads).toBeGreaterThanOrEqual(READS);
  expect(counts.get("written")).toBeGreaterThan(0);
});

test("each planted bug fits the source as it is", () => {
  for (const { edits } of PLANTED_BUGS)
    for (const edit of edits) edited(readFileSync(join(ROOT, edit.file), "utf8"), edit);
});
