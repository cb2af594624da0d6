/**
 * Goal: a gateway starts as soon as it can, and without its services it starts with the last graph. Method:
 * real services and files.
 */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { loadTopology } from "@teranga/kit/topology/topology.ts";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { becomes, branchSdl, fieldsOf, GraphStage, NOBODY } from "../fixture/graph-stage.ts";

let stage: GraphStage;
beforeEach(async () => {
  stage = await GraphStage.set();
});
afterEach(() => stage.close());

test.each([
  ["nobody serves", 'No service of the subgraph "books" answered within 0 s', undefined],
  ["something else serves", 'A service of "books" does not tell its schema: ', "type Query { a: Int }"],
])("a subgraph that %s is named when the wait is over", async (_name, message, answer) => {
  const north = await stage.serve(branchSdl("a: Int"));
  const other = createServer((_request, response) => {
    response.end(JSON.stringify({ data: { _service: { sdl: answer === undefined ? answer : "<html>" } } }));
  });
  await new Promise<void>((resolve) => other.listen(0, resolve));
  stage.onClose(async () => void other.close());
  const url = answer === undefined ? NOBODY : `http://127.0.0.1:${(other.address() as AddressInfo).port}/`;
  const topology = await stage.writeTopology({ north: [north.url] }, { books: url });
  await expect(stage.start({ kind: "topology", topology })).rejects.toThrow(message);
});

test("the last supergraph is what a gateway starts with while no service can be asked", async () => {
  const cacheFile = join(stage.folder, "supergraph.graphql");
  const north = await stage.serve(branchSdl("a: Int"));
  const topology = await stage.writeTopology({ north: [north.url] });
  const before = await stage.start({ kind: "topology", topology }, { cacheFile });
  stage.follow(before);
  const newer = await stage.upgrade(north, branchSdl("b: Int"));
  await becomes(stage.taken, ["supergraph id,b over north"]);
  await vi.waitFor(async () => expect(await readFile(cacheFile, "utf8")).toContain("b: Int"));
  await before.stop();
  await newer.close();
  stage.taken.length = 0;

  const after = await stage.start({ kind: "topology", topology }, { cacheFile });
  expect(fieldsOf(after.supergraph)).toBe("id,b");
  expect(stage.lines).toEqual([
    'No service of the subgraph "branch" answered within 0 s; starting with the last supergraph',
  ]);
  stage.follow(after);
  await stage.upgrade(newer, branchSdl("b: Int c: Int"));
  await becomes(stage.taken, ["supergraph id,b,c over north"]);
  await after.stop();
  expect(await readdir(stage.folder)).toEqual(["supergraph.graphql", "topology.yaml"]);
});

test.each([
  [
    "that was cut off",
    (text: string) => text.slice(0, -10),
    "the last supergraph is damaged; the file is ignored",
  ],
  ["that is something else", () => "<html>", "the last supergraph is damaged; the file is ignored"],
  [
    "of another topology",
    (text: string) => text,
    'Topology: it has no subgraph "branch"; the last supergraph is ignored',
  ],
])("a last supergraph %s is ignored", async (name, edit, message) => {
  const cacheFile = join(stage.folder, "supergraph.graphql");
  const north = await stage.serve(branchSdl("a: Int"));
  const topology = await stage.writeTopology({ north: [north.url] });
  await stage.start({ kind: "topology", topology }, { cacheFile });
  await writeFile(cacheFile, edit(await readFile(cacheFile, "utf8")));
  await north.close();
  if (name === "of another topology") {
    await writeFile(stage.topologyFile, JSON.stringify({ subgraphs: { books: { replicas: [NOBODY] } } }));
  }
  const again = stage.start(
    { kind: "topology", topology: await loadTopology(stage.topologyFile) },
    { cacheFile },
  );
  await expect(again).rejects.toThrow("answered within 0 s");
  expect(stage.lines).toEqual([message]);
});
