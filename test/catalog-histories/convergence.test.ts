/**
 * Goal: nodes that have the same operations have the same rows, conflicts and histories, and no value that
 * was written is lost silently. Method: random histories at two to four nodes on the real SQL, side by side
 * in the same databases. `TEST_HISTORIES=10000` is the long run; `TEST_HISTORY=7` runs the history of a seed.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { drawHistory } from "./history.ts";
import { type CatalogNode, openNodes } from "./nodes.ts";
import { runHistories } from "./run.ts";

const FIRST = Number(process.env.TEST_HISTORY ?? 1);
const COUNT = process.env.TEST_HISTORY ? 1 : Number(process.env.TEST_HISTORIES ?? 100);
const SIDE_BY_SIDE = 100;

let nodes: CatalogNode[];
beforeAll(async () => {
  nodes = await openNodes();
});
afterAll(() => Promise.all(nodes.map((node) => node.close())));

test("random histories end the same at all nodes, and lose nothing", {
  timeout: COUNT * 1_000 + 60_000,
}, async () => {
  for (let done = 0; done < COUNT; done += SIDE_BY_SIDE) {
    const seeds = Array.from(
      { length: Math.min(SIDE_BY_SIDE, COUNT - done) },
      (_, index) => FIRST + done + index,
    );
    expect([...(await runHistories(nodes, seeds.map(drawHistory)))]).toEqual([]);
  }
});
