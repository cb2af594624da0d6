/**
 * Goal: every import that goes up a floor is reported, also one of a type. Method: sources made up for the
 * test.
 */
import { expect, test } from "vitest";
import { drawFloors } from "./draw.ts";
import { brokenFloor, FLOORS } from "./floors.ts";
import { floorImports, importsOf, readSources } from "./imports.ts";

const GROUND = "gateway/src/ground/answer.ts";

test("imports of values, types and whole files are seen, over several lines and at run time", () => {
  const text = `
import type { A } from "../door/a.ts";
import {
  b,
} from "@teranga/kit/b.ts";
export { c } from "./c.ts";
const d = await import("../live/d.ts");
import { e } from "graphql";
`;
  expect(importsOf(GROUND, text).map(({ to }) => to)).toEqual([
    "gateway/src/door/a.ts",
    "kit/src/b.ts",
    "gateway/src/ground/c.ts",
    "gateway/src/live/d.ts",
  ]);
});

test.each([
  [GROUND, "gateway/src/door/surface.ts", "above it"],
  ["gateway/src/live/live-graph.ts", "gateway/src/proxy/proxy-config.ts", "beside it"],
  ["services/city/src/model.ts", "services/orders/src/model.ts", "beside it"],
  ["kit/src/process/log.ts", "schema/src/compose.ts", "above it"],
  ["kit/src/process/log.ts", "attic/log.ts", "attic/log.ts is in no room"],
])("%s may not import %s", (from, to, said) => {
  expect(brokenFloor({ from, to })).toContain(said);
});

test("a file may import from its own room and from below", () => {
  expect(brokenFloor({ from: GROUND, to: "gateway/src/ground/documents.ts" })).toBeUndefined();
  expect(brokenFloor({ from: "gateway/src/door/surface.ts", to: GROUND })).toBeUndefined();
});

test("every room has files, and every file a room", async () => {
  const imports = floorImports(await readSources());
  expect(imports.length).toBeGreaterThan(1_000);
  expect(imports.map(brokenFloor).filter(Boolean)).toEqual([]);
  const rooms = FLOORS.flat().map(({ path }) => path);
  const known = rooms.filter((path) =>
    imports.some(({ from, to }) => [from, to].some((f) => f.startsWith(path))),
  );
  expect(known).toEqual(rooms);
});

test("the picture has a line for two rooms that know each other, however often, and none to the ground", () => {
  const imports = [
    { from: "gateway/src/door/a.ts", to: "gateway/src/planning/c.ts" },
    { from: "gateway/src/door/b.ts", to: "gateway/src/planning/c.ts" },
    { from: "gateway/src/door/b.ts", to: GROUND },
  ];
  expect(drawFloors(imports).match(/<path/g)).toHaveLength(1);
});
