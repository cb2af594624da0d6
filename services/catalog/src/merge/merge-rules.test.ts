/** Merge rules: what a file may say, and what it may say after another one. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestCatalog, type TestCatalog } from "../testing.ts";
import { type MergeRules, readMergeRules } from "./merge-rules.ts";
import { useMergeRules } from "./use-merge-rules.ts";

let catalog: TestCatalog;
let directory: string;
let own: string;
let usual: MergeRules;

beforeAll(async () => {
  catalog = await startTestCatalog();
  directory = await mkdtemp(join(tmpdir(), "merge-rules-"));
  own = await readFile(new URL("../../merge-rules.yaml", import.meta.url), "utf8");
  usual = await readMergeRules();
});
afterAll(async () => {
  await catalog?.close();
  await rm(directory, { recursive: true });
});

test.each([
  ["an unknown field", /tags: UNION/, "colour: LATEST", 'Product: Unrecognized key: "colour"'],
  [
    "an unknown strategy",
    /name: MANUAL/,
    "name: DICE",
    'Product.name: "DICE" is none of its strategies (LATEST, MANUAL, FIELD_WISE, custom:NAME@VERSION)',
  ],
  [
    "a sum of names",
    /name: MANUAL/,
    "name: ADD",
    'Product.name: "ADD" is none of its strategies (LATEST, MANUAL, FIELD_WISE, custom:NAME@VERSION)',
  ],
  [
    "a resolver without a version",
    /lowest_price@1/,
    "lowest_price",
    'Product.price: "custom:lowest_price" is none of its strategies (LATEST, MANUAL, FIELD_WISE, custom:NAME@VERSION)',
  ],
  [
    "a resolver of two columns",
    /contact: FIELD_WISE/,
    "contact: custom:any@1",
    'Supplier.contact: "custom:any@1" is none of its strategies (LATEST, MANUAL, FIELD_WISE)',
  ],
  ["no version", /version: 1/, "", "version: Invalid input: expected number, received undefined"],
])("a file with %s is refused in one line", async (_what, part, other, fault) => {
  const file = join(directory, "merge-rules.yaml");
  await writeFile(file, own.replace(part, other));
  await expect(readMergeRules(file)).rejects.toMatchObject({
    name: "StartupError",
    message: `Merge rules ${file}: ${fault}`,
  });
});

test("a file that is not there is refused in one line", async () => {
  await expect(readMergeRules("/nowhere.yaml")).rejects.toThrow(
    "Merge rules /nowhere.yaml: cannot be read (ENOENT)",
  );
});

const inUse = async () => {
  const [node] = await catalog.sql`select rules from this_node`;
  const units = await catalog.sql`select strategy from merge_unit where entity = 'Product' and unit = 'name'`;
  return [node!.rules, units[0]!.strategy];
};
const named = (strategy: string, version: number): MergeRules => ({
  ...usual,
  version,
  Product: { ...usual.Product, name: strategy },
});

test("the service's own rules are those of a new database", async () => {
  expect(
    await catalog.sql`select entity, unit, strategy from merge_unit where unit <> 'creation' order by 1, 2`,
  ).toEqual(
    (["Product", "Supplier"] as const).flatMap((entity) =>
      Object.entries(usual[entity])
        .map(([unit, strategy]) => ({ entity, unit, strategy }))
        .sort((a, b) => (a.unit < b.unit ? -1 : 1)),
    ),
  );
});

test("other rules need a greater version; those of before may come again and change nothing", async () => {
  await expect(useMergeRules(catalog.sql, named("LATEST", 1))).rejects.toMatchObject({
    name: "StartupError",
    message: "Merge rules: version 1 was in use with other rules; give these a greater version",
  });
  expect(await inUse()).toEqual([1, "MANUAL"]);
  await useMergeRules(catalog.sql, named("LATEST", 2));
  expect(await inUse()).toEqual([2, "LATEST"]);
  await useMergeRules(catalog.sql, usual);
  expect(await inUse()).toEqual([2, "LATEST"]);
});

test("a resolver that does not exist is refused, and nothing is changed", async () => {
  const before = await inUse();
  await expect(useMergeRules(catalog.sql, named("custom:longest_name@3", 9))).rejects.toMatchObject({
    name: "StartupError",
    message: "Merge rules: Product.name: there is no SQL function resolve_longest_name_v3(jsonb, jsonb[])",
  });
  expect(await inUse()).toEqual(before);
});

test("an operation carries the rules of its writer", async () => {
  await useMergeRules(catalog.sql, named("MANUAL", 3));
  await catalog.sql`insert into product (name, description, price) values ('Souris', '', 1)`;
  await useMergeRules(catalog.sql, named("LATEST", 4));
  await catalog.sql`update product set name = 'Souris bleue' where name = 'Souris'`;
  const operations =
    await catalog.sql`select rules, strategies ->> 'name' as name from operation order by sequence`;
  expect(operations).toEqual([
    { rules: 3, name: "MANUAL" },
    { rules: 4, name: "LATEST" },
  ]);
});
