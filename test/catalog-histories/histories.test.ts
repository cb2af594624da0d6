/**
 * Goal: nodes that have the same operations have the same rows, conflicts and histories, and no value that
 * was written is lost silently. Method: random histories at two to four nodes on the real SQL, side by side
 * in the same databases. `TEST_HISTORIES=10000` is the long run; `TEST_HISTORY=7` runs the history of a seed.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { edited, ROOT } from "../harness/planted-bug.ts";
import { drawHistory } from "./history.ts";
import { type CatalogNode, openNodes } from "./nodes.ts";
import { PLANTED_BUGS } from "./planted-bugs.ts";
import { runHistories } from "./run.ts";

const FIRST = Number(process.env.TEST_HISTORY ?? 1);
const COUNT = process.env.TEST_HISTORY ? 1 : Number(process.env.TEST_HISTORIES ?? 50);
const SIDE_BY_SIDE = 100;
/** A planted bug breaks one of so many histories. */
const SOUGHT_MAX = 500;
const AT_ONCE = 20;

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

test("each planted bug fits the source as it is, and has a name of its own", () => {
  expect(new Set(PLANTED_BUGS.map(({ name }) => name)).size).toBe(PLANTED_BUGS.length);
  for (const edit of PLANTED_BUGS.flatMap(({ edits }) => edits))
    edited(readFileSync(join(ROOT, edit.file), "utf8"), edit);
});

/** `npm test` searches for two; `TEST_PLANTED_BUGS=all` for all, or the name of one. */
const SAMPLE = ["every-operation-is-next", "losers-are-not-told"];
const wanted = process.env.TEST_PLANTED_BUGS;
const sought = PLANTED_BUGS.filter(({ name }) =>
  wanted ? wanted === "all" || wanted === name : SAMPLE.includes(name),
);
test.for(sought)("$name is found", { timeout: 600_000 }, async (bug) => {
  for (const node of nodes) await node.plant(bug);
  let found = false;
  for (let seed = 1; seed < SOUGHT_MAX && !found; seed += AT_ONCE) {
    const histories = Array.from({ length: AT_ONCE }, (_, index) => drawHistory(seed + index));
    found = await runHistories(nodes, histories).then(
      (wrong) => wrong.size > 0,
      // The database may refuse what comes of it.
      () => true,
    );
    for (const node of nodes) await node.empty();
  }
  for (const node of nodes) await node.heal(bug);
  expect(found).toBe(true);
});
