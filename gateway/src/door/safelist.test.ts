/** Goal: a safelist that cannot be used stops the start with one line. Method: faulty manifests. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StartupError } from "@teranga/kit/process/config.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createSafelist, readSafelist } from "./safelist.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "safelist-"));
});
afterAll(() => rm(directory, { recursive: true }));

const entry = { id: "1", name: "A", type: "query", body: "query A { a }" };
const manifest = (changes: object = {}) =>
  JSON.stringify({ format: "apollo-persisted-query-manifest", version: 1, operations: [entry], ...changes });

test.each([
  ["not JSON", "{", /JSON/],
  ["another format", manifest({ format: "mine" }), /format: .*apollo-persisted-query-manifest/],
  ["another version", manifest({ version: 2 }), /version: /],
  ["no operations", manifest({ operations: undefined }), /operations: /],
  [
    "an operation without a body",
    manifest({ operations: [{ ...entry, body: undefined }] }),
    /operations\.0\.body: /,
  ],
  ["one that is not GraphQL", manifest({ operations: [{ ...entry, body: "{" }] }), /A: Syntax Error/],
  ["one id twice", manifest({ operations: [entry, entry] }), /the id "1" stands there twice/],
])("%s is one line that says so", async (_, text, reason) => {
  const file = join(directory, "manifest.json");
  await writeFile(file, text);
  const error = await readSafelist(file, "enforce").catch((caught: unknown) => caught as Error);
  expect(error).toBeInstanceOf(StartupError);
  expect((error as Error).message).toMatch(reason);
  expect((error as Error).message).toMatch(new RegExp(`^Safelist ${file}: [^\\n]+$`));
});

test("so is a file that is not there", async () => {
  const file = join(directory, "missing.json");
  await expect(readSafelist(file, "log")).rejects.toThrow(`Safelist ${file}: ENOENT`);
});

test("the manifest that is generated here can be used", async () => {
  const file = new URL("../../../schema/generated/client/persisted-query-manifest.json", import.meta.url)
    .pathname;
  const list = await readSafelist(file, "enforce");
  expect([...list.operationNames]).toEqual(["Cities", "PlaceOrder", "ShopWindow"]);
  expect(list.has("query   Cities { cities { id, name } } # mine")).toBe(true);
  expect(list.has("query Cities { cities { id } }")).toBe(false);
});

test("ids are looked up as they are", () => {
  const list = createSafelist(manifest(), "enforce");
  expect(["1", "constructor", ""].map((id) => list.bodyOf(id))).toEqual([entry.body, undefined, undefined]);
});
