/**
 * Goal: a partition that does not answer costs only its own rows, and no other request's time. Method:
 * branches are stopped, silenced and started again under a running gateway.
 */
import { compose } from "@teranga/schema/compose.ts";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { startFaultyService } from "./fixture/faulty-service.ts";
import { ask, Library, log } from "./fixture/library.ts";
import { startGateway } from "./gateway.ts";

const DEADLINE_MS = 2_000;
/** Far below the deadline: the most that a refused connection may cost on a busy machine. */
const FAST_MS = DEADLINE_MS / 2;
const unavailable = (branch: string) => ({
  message: `The branch "${branch}" is unavailable.`,
  extensions: { code: "BRANCH_UNAVAILABLE", branch },
});

let library: Library;
const restore: (() => Promise<void>)[] = [];
beforeAll(async () => {
  library = await Library.start({ deadlineMs: DEADLINE_MS });
  // The first request of each kind pays for connections and plans.
  await library.ask("{ branches { id name } }");
});
afterAll(() => library.close());
afterEach(async () => {
  for (const step of restore.splice(0)) await step();
});

async function stop(branch: string): Promise<void> {
  await library.stopBranch(branch);
  restore.push(() => library.startBranch(branch));
}

async function silence(branch: string): Promise<void> {
  await library.stopBranch(branch);
  await library.silence(branch);
  restore.push(
    () => library.endSilence(),
    () => library.startBranch(branch),
  );
}

async function timed<T>(work: Promise<T>): Promise<T & { tookMs: number }> {
  const startMs = performance.now();
  return { ...(await work), tookMs: performance.now() - startMs };
}

test("a gathered list has one null and one error for a partition that is down", async () => {
  await stop("south");
  const { data, errors, tookMs } = await timed(library.ask("{ branches { id name } }"));
  expect(data.branches).toEqual([
    { id: "north", name: "the north branch" },
    null,
    { id: "west", name: "the west branch" },
  ]);
  expect(errors).toEqual([{ ...unavailable("south"), path: ["branches", 1] }]);
  expect(tookMs).toBeLessThan(FAST_MS);
});

test("rows of other partitions do not notice; its own are null with an error each", async () => {
  await stop("south");
  const whole = await library.ask(`{ reader(id: "north:1") { name } }`);
  expect(whole.errors).toBeUndefined();
  const { data, errors } = await library.ask(
    `{ a: reader(id: "north:1") { name } b: reader(id: "south:1") { name } c: branch(id: "south") { name } }`,
  );
  expect(data).toEqual({ a: { name: "north reader 1" }, b: null, c: null });
  expect(errors).toEqual([
    { ...unavailable("south"), path: ["b"] },
    { ...unavailable("south"), path: ["c"] },
  ]);
});

test("an entity whose owner is down keeps what others know of it", async () => {
  await stop("south");
  const { data, errors } = await library.ask(
    `{ book(isbn: "100") { title total copies { branch { id } count } } }`,
  );
  expect(data.book).toEqual({
    title: "Xala",
    total: 4,
    copies: [
      { branch: { id: "north" }, count: 1 },
      { branch: { id: "south" }, count: null },
      { branch: { id: "west" }, count: 3 },
    ],
  });
  expect(errors).toEqual([{ ...unavailable("south"), path: ["book", "copies", 1] }]);
});

test("a mutation for a partition that is down says so and is not sent anywhere else", async () => {
  await stop("south");
  const { data, errors, asked } = await library.askCounting(
    `mutation { a: greet(input: { readerId: "south:1" }) { id } b: greet(input: { readerId: "west:4" }) { id } }`,
  );
  expect(data).toEqual({ a: null, b: { id: "west:4" } });
  expect(errors).toEqual([{ ...unavailable("south"), path: ["a"] }]);
  expect(asked).toEqual(["branch/south", "branch/west"]);
});

test("a partition that hangs costs one deadline, however many fetches would ask it", async () => {
  await silence("south");
  const { data, errors, tookMs } = await timed(
    library.ask(`{ branches { id readers(first: 1) { friends { name } } } books { copies { count } } }`),
  );
  expect(data.branches.map((branch: { id: string } | null) => branch?.id)).toEqual([
    "north",
    undefined,
    "west",
  ]);
  expect(data.branches[0].readers[0].friends).toEqual([
    { name: "north reader 2" },
    null,
    { name: "west reader 2" },
  ]);
  expect(errors!.every(({ extensions }) => extensions.code === "BRANCH_UNAVAILABLE")).toBe(true);
  expect(tookMs).toBeGreaterThan(DEADLINE_MS * 0.9);
  expect(tookMs).toBeLessThan(DEADLINE_MS * 2);
  // Another client's request for other rows is not delayed meanwhile.
  const [hanging, other] = await Promise.all([
    timed(library.ask(`{ reader(id: "south:1") { id } }`)),
    timed(library.ask(`{ reader(id: "west:1") { name } }`)),
  ]);
  expect(hanging.errors).toHaveLength(1);
  expect(other.data).toEqual({ reader: { name: "west reader 1" } });
  expect(other.tookMs).toBeLessThan(FAST_MS);
});

test("a service whose answers begin and do not end costs one deadline, too", async () => {
  let sent = 0;
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const endless = await startFaultyService(async function* () {
    sent++;
    yield '{"data": ';
    await released;
  });
  const other = await startFaultyService(() => ({ data: { other: 1 } }));
  const sdlOf = (fields: string) =>
    `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3") ${fields}`;
  const { supergraphSdl } = compose([
    {
      name: "endless",
      url: endless.url,
      sdl: sdlOf("type Query { a: Int } type Mutation { first: Int last: Int }"),
    },
    { name: "other", url: other.url, sdl: sdlOf("type Mutation { other: Int }") },
  ]);
  const gateway = await startGateway({
    source: { kind: "supergraph", supergraphSdl },
    port: 0,
    log,
    deadlineMs: 300,
  });
  restore.push(gateway.close, other.close, async () => release(), endless.close);
  const { data, errors } = await ask(gateway.url, "mutation { first other last }");
  expect(data).toEqual({ first: null, other: 1, last: null });
  expect(errors!.map(({ extensions }) => extensions.code)).toEqual([
    "OUTCOME_UNKNOWN",
    "SUBGRAPH_UNAVAILABLE",
  ]);
  expect(sent).toBe(1);
});

test("a partition that comes back is asked again as soon as a probe has seen it", async () => {
  const query = `{ reader(id: "south:1") { name } }`;
  await library.stopBranch("south");
  expect((await library.ask(query)).errors).toHaveLength(1);
  await library.startBranch("south");
  const { data, errors } = await library.ask(query);
  expect(errors).toBeUndefined();
  expect(data).toEqual({ reader: { name: "south reader 1" } });
});

test("a replicated subgraph that is down costs its own fields, and says so without its address", async () => {
  await library.stopBooks();
  restore.push(() => library.startBooks());
  const { data, errors } = await library.ask(
    `{ b: book(isbn: "100") { title } reader(id: "north:1") { events { id } } event(id: "north:e1") { ... on Loan { book { isbn title } } } }`,
  );
  const error = { code: "SUBGRAPH_UNAVAILABLE", subgraph: "books" };
  expect(data.b).toBeNull();
  expect(data.reader).toEqual({ events: [] });
  expect(errors!.map(({ path, extensions }) => ({ path, extensions }))).toEqual(
    expect.arrayContaining([
      { path: ["b"], extensions: error },
      { path: ["event", "book"], extensions: error },
    ]),
  );
  expect(JSON.stringify(errors)).not.toMatch(/127\.0\.0\.1|localhost|http/);
});
