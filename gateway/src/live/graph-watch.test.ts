/**
 * Goal: a running gateway follows its services, its topology and its supergraph file, and no fault of these
 * takes the graph away. Method: real services over HTTP that are replaced by others, and real files.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { StartupError } from "@teranga/kit/process/config.ts";
import { afterEach, beforeEach, expect, test } from "vitest";
import { becomes, branchSdl, fieldsOf, GraphStage, NOBODY, topologyText } from "../fixture/graph-stage.ts";

const BOOKS = "type Query { book: Int }";

let stage: GraphStage;
beforeEach(async () => {
  stage = await GraphStage.set();
});
afterEach(() => stage.close());

test("a rolling upgrade: the graph offers what every partition can answer, and says what it leaves out", async () => {
  let north = await stage.serve(branchSdl("old: Int"));
  const south = await stage.serve(branchSdl("old: Int"));
  const topology = await stage.writeTopology({ north: [north.url], south: [south.url] });
  const watch = await stage.start({ kind: "topology", topology });
  stage.follow(watch);
  expect([fieldsOf(watch.supergraph), watch.omitted()]).toEqual(["id,old", []]);
  north = await stage.upgrade(north, branchSdl("new: Int"));
  await becomes(stage.taken, ["supergraph id over north,south"]);
  expect(watch.omitted()).toEqual([
    { subgraph: "branch", what: "Branch.new", because: "south does not have it" },
    { subgraph: "branch", what: "Branch.old", because: "north does not have it" },
  ]);
  // A service that is down has not changed its schema.
  await north.close();
  await stage.upgrade(south, branchSdl("new: Int"));
  await becomes(stage.taken, ["supergraph id,new over north,south"], 1);
  expect(watch.omitted()).toEqual([]);
  expect(stage.lines).toEqual(["the graph leaves out what not every service of a subgraph can answer"]);
});

test("instances of one partition, and replicas, may differ too", async () => {
  const [one, two] = [await stage.serve(branchSdl("a: Int b: Int")), await stage.serve(branchSdl("a: Int"))];
  const watch = await stage.start({
    kind: "topology",
    topology: await stage.writeTopology({ north: [one.url, two.url] }),
  });
  expect(watch.omitted()).toMatchObject([{ what: "Branch.b", because: "north (2) does not have it" }]);
});

test("a partition that was down at the start counts when it is first heard", async () => {
  const north = await stage.serve(branchSdl("a: Int b: Int"));
  const south = await stage.serve(branchSdl("a: Int"));
  await south.close();
  const topology = await stage.writeTopology({ north: [north.url], south: [south.url] });
  const watch = await stage.start({ kind: "topology", topology });
  stage.follow(watch);
  expect(fieldsOf(watch.supergraph)).toBe("id,a,b");
  await stage.upgrade(south, branchSdl("a: Int"));
  await becomes(stage.taken, ["supergraph id,a over north,south"]);
});

test.each([
  [
    "that does not compose",
    `${branchSdl("a: Int")} type Book { id: Int }`,
    /^The subgraphs do not fit together: .*Book.id/,
  ],
  [
    "that breaks a rule of partitions",
    branchSdl("a: Int").replace(' @partition(by: "id") }', " }"),
    /^Query.branch of the partitioned subgraph "branch" needs @partition/,
  ],
])("a schema %s keeps the graph, with one line, and the topology may go on", async (_name, sdl, message) => {
  const north = await stage.serve(branchSdl("a: Int"));
  const books = await stage.serve("type Query { book: Book } type Book { id: Int }");
  const topology = await stage.writeTopology({ north: [north.url] }, { books: books.url });
  stage.follow(await stage.start({ kind: "topology", topology, topologyFile: stage.topologyFile }));
  const broken = await stage.upgrade(north, sdl);
  await becomes(stage.lines, [expect.stringMatching(message)]);
  expect(stage.lines[0]).toMatch(/; the rest stays as it was$/);
  await stage.writeTopology({ north: [north.url, NOBODY] }, { books: books.url });
  await becomes(stage.taken, ["topology north books"]);
  await stage.upgrade(broken, branchSdl("c: Int"));
  await becomes(stage.taken, ["supergraph id,c over north books"], 1);
  expect(stage.lines).toHaveLength(1);
});

test("what the gateway refuses is not run, and not asked of it again and again", async () => {
  const north = await stage.serve(branchSdl("a: Int"));
  const watch = await stage.start({
    kind: "topology",
    topology: await stage.writeTopology({ north: [north.url] }),
  });
  let refused = 0;
  stage.follow(watch, (supergraph) => {
    if (!fieldsOf(supergraph).includes("bad")) return;
    refused++;
    throw new StartupError("no");
  });
  const bad = await stage.upgrade(north, branchSdl("bad: Int"));
  await becomes(stage.lines, ["no; the rest stays as it was"]);
  await stage.upgrade(bad, branchSdl("good: Int"));
  await becomes(stage.taken, ["supergraph id,good over north"]);
  // Once for each candidate of the one change.
  expect(refused).toBeLessThanOrEqual(2);
});

test("the topology file: cities come, move and go; a slip changes nothing", async () => {
  const north = await stage.serve(branchSdl("a: Int"));
  const south = await stage.serve(branchSdl("a: Int"));
  const topology = await stage.writeTopology({ north: [north.url] });
  stage.follow(await stage.start({ kind: "topology", topology, topologyFile: stage.topologyFile }));
  await stage.writeTopology({ north: [north.url], south: [south.url] });
  await becomes(stage.taken, ["topology north,south"]);
  await writeFile(stage.topologyFile, topologyText({ north: [north.url] }).replace("urls", "url"));
  await becomes(stage.lines, [expect.stringContaining('Unrecognized key: "url"')]);
  // A service that cannot be reached is still a place of the topology.
  await stage.writeTopology({ north: [NOBODY], south: [south.url] });
  await becomes(stage.taken, ["topology north,south", "topology north,south"]);
  await stage.writeTopology({ south: [south.url] });
  await becomes(stage.taken, ["topology south"], 2);
});

test("the topology file: a subgraph comes when it can be composed, and goes together with its part of the graph", async () => {
  const north = await stage.serve(branchSdl("a: Int"));
  const topology = await stage.writeTopology({ north: [north.url] });
  stage.follow(await stage.start({ kind: "topology", topology, topologyFile: stage.topologyFile }));
  const books = await stage.serve(BOOKS);
  await books.close();
  await stage.writeTopology({ north: [north.url] }, { books: books.url });
  await becomes(stage.taken, ["topology north books"]);
  await stage.upgrade(books, BOOKS);
  await becomes(stage.taken, ["supergraph id,a over north books"], 1);
  await stage.writeTopology({ north: [north.url] });
  await becomes(stage.taken, ["supergraph id,a over north"], 2);
  const text = JSON.stringify({ subgraphs: { others: { replicas: [NOBODY] } } });
  await writeFile(stage.topologyFile, text);
  await becomes(stage.lines, ['Topology: it has no subgraph "branch"; the rest stays as it was']);
  expect(stage.taken).toHaveLength(3);
});

test("a supergraph file made elsewhere is watched, with its topology", async () => {
  const north = await stage.serve(branchSdl("a: Int"));
  const topology = await stage.writeTopology({ north: [north.url] });
  const { sdl: supergraphSdl } = (await stage.start({ kind: "topology", topology })).supergraph;
  const supergraphFile = join(stage.folder, "made-elsewhere.graphql");
  await writeFile(supergraphFile, supergraphSdl);
  const files = { supergraphFile, topologyFile: stage.topologyFile };
  stage.follow(await stage.start({ kind: "supergraph", supergraphSdl, topology, ...files }));
  await writeFile(supergraphFile, supergraphSdl.replace("a: Int", "b: Int"));
  await becomes(stage.taken, ["supergraph id,b over north"]);
  await writeFile(supergraphFile, "type Query {");
  await becomes(stage.lines, [
    expect.stringMatching(/^Supergraph: Syntax Error.*; the rest stays as it was$/),
  ]);
  await stage.writeTopology({ north: [north.url, NOBODY] });
  await becomes(stage.taken, ["topology north"], 1);
  await writeFile(supergraphFile, supergraphSdl.replace("a: Int", "c: Int"));
  await becomes(stage.taken, ["supergraph id,c over north"], 2);
});
