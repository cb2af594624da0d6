/** The README's tour is true: its questions get its answers, in its order, on a fresh graph. */
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Graph, startGraph } from "./harness/graph.ts";

let graph: Graph;
beforeAll(async () => {
  graph = await startGraph();
});
afterAll(() => graph.close());

const STEP = /(<!-- Thiès is stopped -->\n)?```graphql\n([\s\S]*?)```\n\n```json\n([\s\S]*?)```/g;

test("the tour", async () => {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const steps = [...readme.matchAll(STEP)];
  expect(steps.length).toBeGreaterThanOrEqual(8);
  let lastOrder = "";
  for (const [, stopped, question, answer] of steps) {
    if (stopped) await graph.stopCity("thies");
    // A reader puts the id of the order that was placed last in place of how it begins.
    const got = await graph.query(question!.replace("thies:…", lastOrder));
    expect(shortened(got), question).toEqual(JSON.parse(answer!));
    lastOrder = /"id":"(thies:[0-9a-f-]{36})"/.exec(JSON.stringify(got))?.[1] ?? lastOrder;
  }
});

/** Ids of orders differ from run to run; the README shows how they begin. */
function shortened(answer: unknown): unknown {
  return JSON.parse(JSON.stringify(answer).replace(/"(thies:)[0-9a-f-]{36}"/g, '"$1…"'));
}
