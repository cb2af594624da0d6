/**
 * Goal: the README's tour is true. Method: its queries are sent in its order to a fresh graph, and must get
 * its answers.
 */
import { readFile } from "node:fs/promises";
import { mobileMoneyVariables } from "@teranga/mobile-money/config.ts";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type Graph, startGraph } from "./harness/graph.ts";
import { FaultyCompany } from "./payments/faulty-company.ts";

let graph: Graph;
let company: FaultyCompany;
beforeAll(async () => {
  company = await FaultyCompany.open(mobileMoneyVariables.shape.OPENING_BALANCE.parse(undefined));
  graph = await startGraph({ paymentProviders: [company.provider()] });
});
afterAll(async () => {
  await graph.close();
  await company.close();
});

const STEP = /(?:<!-- (.+) -->\n)?```graphql\n([\s\S]*?)```\n\n```json\n([\s\S]*?)```/g;

test("the tour", async () => {
  const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const steps = [...readme.matchAll(STEP)];
  expect(steps.length).toBeGreaterThanOrEqual(8);
  let lastOrder = "";
  for (const [, note, question, answer] of steps) {
    if (note === "Thiès is stopped") await graph.stopCity("thies");
    // A reader puts the id of the last order in place of its beginning.
    const ask = () => graph.query(question!.replace("thies:…", lastOrder));
    const asTold = async () => {
      const got = await ask();
      expect(shortened(got), question).toEqual(JSON.parse(answer!));
      return got;
    };
    const got = await (note === "within seconds" ? vi.waitFor(asTold, { timeout: 10_000 }) : asTold());
    lastOrder = /"id":"(thies:[0-9a-f-]{36})"/.exec(JSON.stringify(got))?.[1] ?? lastOrder;
  }
});

/** Shortens the ids of orders, which differ from run to run, to the beginning that the README shows. */
function shortened(answer: unknown): unknown {
  return JSON.parse(JSON.stringify(answer).replace(/"(thies:)[0-9a-f-]{36}"/g, '"$1…"'));
}
