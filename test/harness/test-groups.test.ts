/** Goal: a test file falls into the right group by what it imports. Method: sources made up for the test. */
import { expect, test } from "vitest";
import { LONG } from "./longest-first.ts";
import { readTestGroups, type TestGroup, testGroups } from "./test-groups.ts";

// Put together from pieces: with the whole words in it, this file would fall into those groups itself.
const POSTGRES = `const url = inject(${JSON.stringify("postgresUrl")});`;
const REDIS = `const redisMissing = inject(${JSON.stringify("redisMissing")});`;
const PROCESS = `import { execFile } from ${JSON.stringify("node:child_process")};`;
const PGLITE = `import { PGlite } from ${JSON.stringify("@electric-sql/pglite")};`;

const HELPERS = [
  ["test/harness/a-database.ts", POSTGRES],
  ["test/harness/a-graph.ts", 'import { open } from "./a-database.ts";'],
  ["infra/src/a-process.ts", PROCESS],
  ["kit/test/a-cluster.ts", PGLITE],
  ["kit/src/plain.ts", 'import { readFile } from "node:fs/promises";'],
] as const;

test.each<[TestGroup, string]>([
  ["quick", 'import { plain } from "@teranga/kit/plain.ts";'],
  ["quick", 'import type { Graph } from "../../test/harness/a-graph.ts";'],
  ["slow", 'import { start } from "@teranga/infra/a-process.ts";'],
  ["slow", PROCESS],
  ["slow", 'import { open } from "./a-cluster.ts";'],
  ["slow", 'const { start } = await import("@teranga/infra/a-process.ts");'],
  ["redis", REDIS],
  ["redis", `${PROCESS}\n${REDIS}`],
  ["postgres", `${REDIS}\n${POSTGRES}`],
  ["postgres", 'import { graph } from "../../test/harness/a-graph.ts";'],
  ["postgres", `${PROCESS}\n${POSTGRES}`],
])("%s: %s", (group, text) => {
  const sources = new Map<string, string>([...HELPERS, ["kit/test/new.test.ts", text]]);
  expect(testGroups(sources).get("kit/test/new.test.ts")).toBe(group);
});

test("the long files are files: one of another name would be quick again", async () => {
  const groups = await readTestGroups();
  expect(LONG.filter((file) => !groups.has(file))).toEqual([]);
});
