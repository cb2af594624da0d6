/** Says before the tests whether there is a Redis for them (vitest's global setup). */
import type { TestProject } from "vitest/node";
import { ensureRedis } from "../../kit/test/redis-programs.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** Why there is no Redis for the tests; null if there is one. */
    redisMissing: string | null;
  }
}

export default function setup(project: TestProject): void {
  const missing = ensureRedis();
  project.provide("redisMissing", missing ?? null);
  if (missing === undefined) return;
  const line = "!".repeat(80);
  process.stderr.write(
    `\n${line}\nNOT TESTED: everything with Redis (the shared cache, its lease, the stream of changes, fail-over)\nbecause ${missing}.\n${line}\n\n`,
  );
}
