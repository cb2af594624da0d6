/**
 * Goal: every import that goes up a floor is reported, also one of a type. Method: sources made up for the
 * test.
 */
import { expect, test } from "vitest";
import { drawFloors } from "./draw.ts";
import { brokenFloor, brokenNeeds, brokenPackage, FLOORS } from "./floors.ts";
import { floorImports, importsOf, packageImports, readSources } from "./imports.ts";
import { PACKAGES } from "./packages.ts";

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
  ["gateway/src/live/live-graph.ts", "gateway/src/proxy/proxy-config.ts", "above it"],
  ["gateway/src/door/surface.ts", "gateway/src/apollo/apollo-engine.ts", "beside it"],
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

test("a package may need only packages below it, in development and in its tests too", async () => {
  expect(brokenNeeds(PACKAGES)).toEqual([]);
  const imports = packageImports(await readSources());
  expect(imports.map((each) => brokenPackage(PACKAGES, each)).filter(Boolean)).toEqual([]);
  const planted = PACKAGES.map((each) =>
    each.folder === "schema" ? { ...each, needs: [...each.needs, "@teranga/gateway"] } : each,
  );
  expect(brokenNeeds(planted)).toEqual(["schema/package.json needs @teranga/gateway, which is not below it"]);
});

test.each([
  ["services/city/test/city-pglite.ts", "test/simulation/kept-cluster.ts", "@teranga/test"],
  ["schema/src/compose-checked.ts", "gateway/src/ground/supergraph.ts", "@teranga/gateway"],
  ["services/city/src/a.test.ts", "services/orders/src/model.ts", "@teranga/orders"],
])("also with tests, %s may not import %s", (from, to, name) => {
  expect(brokenPackage(PACKAGES, { from, to })).toContain(`${name} is not below`);
});

test("names lead to the folders that packages export under them", () => {
  const text =
    'import { A } from "@teranga/schema/generated/a.ts";\nimport { b } from "@teranga/schema/b.ts";\n';
  expect(importsOf(GROUND, text).map(({ to }) => to)).toEqual(["schema/generated/a.ts", "schema/src/b.ts"]);
});

test("the picture has a line for two rooms that know each other, however often, and none to the ground", () => {
  const imports = [
    { from: "gateway/src/door/a.ts", to: "gateway/src/planning/c.ts" },
    { from: "gateway/src/door/b.ts", to: "gateway/src/planning/c.ts" },
    { from: "gateway/src/door/b.ts", to: GROUND },
  ];
  expect(drawFloors(imports).match(/<path/g)).toHaveLength(1);
});
