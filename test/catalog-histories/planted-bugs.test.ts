/** The histories can fail: each planted bug breaks one within those that it is given. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { edited, ROOT } from "../harness/planted-bug.ts";
import { drawHistory } from "./history.ts";
import { type CatalogNode, openNodes } from "./nodes.ts";
import { PLANTED_BUGS } from "./planted-bugs.ts";
import { runHistories } from "./run.ts";

const HISTORIES_MAX = 500;
const SIDE_BY_SIDE = 20;

test("each fits the source as it is, and has a name of its own", () => {
  expect(new Set(PLANTED_BUGS.map(({ name }) => name)).size).toBe(PLANTED_BUGS.length);
  for (const edit of PLANTED_BUGS.flatMap(({ edits }) => edits))
    edited(readFileSync(join(ROOT, edit.file), "utf8"), edit);
});

let nodes: CatalogNode[];
beforeAll(async () => {
  nodes = await openNodes();
});
afterAll(() => Promise.all(nodes.map((node) => node.close())));

/** `npm test` searches for two; `TEST_PLANTED_BUGS=all` for all, or the name of one. */
const SAMPLE = ["every-operation-is-next", "losers-are-not-told"];
const wanted = process.env.TEST_PLANTED_BUGS;
const sought = PLANTED_BUGS.filter(({ name }) =>
  wanted ? wanted === "all" || wanted === name : SAMPLE.includes(name),
);
test.for(sought)("$name is found", { timeout: 600_000 }, async (bug) => {
  for (const node of nodes) await node.plant(bug);
  let found = false;
  for (let seed = 1; seed < HISTORIES_MAX && !found; seed += SIDE_BY_SIDE) {
    const histories = Array.from({ length: SIDE_BY_SIDE }, (_, index) => drawHistory(seed + index));
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
