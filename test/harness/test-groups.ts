/**
 * The group of a test file follows from what it imports, itself or through its helpers, so a new file falls
 * into its group by itself.
 *
 * - `quick` is the inner loop (`npm run test:quick`): everything happens in the test's own process.
 * - `slow` starts processes or a database in its own process, or takes long.
 * - `redis` starts Redis servers, which are installed before, where they may be.
 * - `postgres` needs the PostgreSQL server of the run. The server starts only if such a file runs. It may
 *   start Redis servers too.
 */
import { importsOf, readSources } from "@teranga/infra/floors/imports.ts";
import { LONG } from "./longest-first.ts";

export type TestGroup = "quick" | "slow" | "redis" | "postgres";

const NEEDS_POSTGRES = /\binject\("postgresUrl"\)/;
const NEEDS_REDIS = /\binject\("redisMissing"\)/;
const STARTS_SOMETHING = /\b(?:from |import\()"(?:node:child_process|@electric-sql\/pglite)"/;
/** A type that is imported starts nothing. */
const OF_TYPES = /^(?:import|export) type\b[^;]*;/gm;

export const readTestGroups = async () => testGroups(await readSources());

/** @param sources the texts of all files by their paths from the root, with the tests that are asked for */
export function testGroups(sources: ReadonlyMap<string, string>): Map<string, TestGroup> {
  const texts = new Map([...sources].map(([file, text]) => [file, text.replaceAll(OF_TYPES, "")]));
  const tests = [...texts.keys()].filter((file) => file.endsWith(".test.ts"));
  return new Map(tests.map((file) => [file, groupOf(file, texts)]));
}

function groupOf(test: string, texts: ReadonlyMap<string, string>): TestGroup {
  const reached = new Set([test]);
  let group: TestGroup = LONG.includes(test) ? "slow" : "quick";
  for (const file of reached) {
    const text = texts.get(file) ?? "";
    if (NEEDS_POSTGRES.test(text)) return "postgres";
    if (NEEDS_REDIS.test(text)) group = "redis";
    else if (group === "quick" && STARTS_SOMETHING.test(text)) group = "slow";
    for (const { to } of importsOf(file, text)) reached.add(to);
  }
  return group;
}
