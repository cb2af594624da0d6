/**
 * Goal: a service that answers nonsense costs only its own rows, and nothing internal of it reaches a client.
 * Method: a server that answers what the test says replaces a service under a running gateway.
 */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { CUT, type ReceivedRequest, startFaultyService } from "./fixture/faulty-service.ts";
import { Library } from "./fixture/library.ts";

let library: Library;
const restore: (() => Promise<void>)[] = [];
beforeAll(async () => {
  library = await Library.start();
});
afterAll(() => library.close());
afterEach(async () => {
  for (const step of restore.splice(0)) await step();
});

/** Replaces a branch, or the books, by a server with this answer. */
async function replace(
  service: string,
  answer: (request: ReceivedRequest) => unknown,
  options?: { status?: number },
): Promise<void> {
  const port = library.portOf(service);
  const isBooks = service === "books";
  await (isBooks ? library.stopBooks() : library.stopBranch(service));
  const faulty = await startFaultyService(answer, { port, ...options });
  restore.push(faulty.close, () => (isBooks ? library.startBooks() : library.startBranch(service)));
}

const south = { code: "BRANCH_UNAVAILABLE", branch: "south" };
const codesOf = (errors: { path?: unknown; extensions: Record<string, unknown> }[] | undefined) =>
  errors?.map(({ path, extensions }) => ({ path, code: extensions.code }));

const QUERY = `{ branches { id readers(first: 1) { id } } a: reader(id: "south:1") { name } b: reader(id: "north:1") { name } }`;
const BRANCH = { id: "south", readers: [] };
const READER = { name: "x" };

test.each<[string, unknown, number?]>([
  ["no field", { data: {} }],
  ["null for everything, without a reason", { data: null }],
  ["no data and no reason", { errors: [] }],
  ["one field of two", { data: { branches: [] } }],
  ["a text for a list", { data: { branches: "x", a: READER } }],
  ["nothing for a gathered list", { data: { branches: null, a: READER } }],
  ["a list of texts", { data: { branches: ["x"], a: READER } }],
  ["a text for an object", { data: { branches: [BRANCH], a: "x" } }],
  ["a text for a list deeper down", { data: { branches: [{ ...BRANCH, readers: "x" }], a: READER } }],
  ["a text for an object deeper down", { data: { branches: [{ ...BRANCH, readers: ["x"] }], a: READER } }],
  ["a type name that is none", { data: { branches: [{ ...BRANCH, __typename: 5 }], a: READER } }],
  ["a wrong shape with an error", { data: { branches: "x", a: READER }, errors: [{ message: "m" }] }],
  ["null among the errors", { data: { branches: [BRANCH], a: READER }, errors: [null] }],
  [
    "an error whose path is a text",
    { data: { branches: [BRANCH], a: READER }, errors: [{ message: "m", path: "a" }] },
  ],
  [
    "extensions that are a text",
    { data: { branches: [BRANCH], a: READER }, errors: [{ message: "m", extensions: "x" }] },
  ],
  ["a status of 500 beside an answer", { data: { branches: [BRANCH], a: READER } }, 500],
])("%s is a branch that has failed", async (_, answer, status = 200) => {
  await replace("south", () => answer, { status });
  const { data, errors } = await library.ask(QUERY);
  expect(data.b).toEqual({ name: "north reader 1" });
  expect(data.a).toBeNull();
  expect(data.branches.map((branch: { id: string } | null) => branch?.id)).toEqual([
    "north",
    undefined,
    "west",
  ]);
  expect(errors!.map(({ path, extensions }) => ({ path, extensions }))).toEqual([
    { path: ["a"], extensions: south },
    { path: ["branches", 1], extensions: south },
  ]);
});

test("null is an answer where the field allows it, and where an error says why", async () => {
  await replace("south", () => ({ data: { a: null } }));
  expect(await library.ask(`{ a: reader(id: "south:1") { name } }`)).toMatchObject({ data: { a: null } });
  for (const step of restore.splice(0)) await step();
  const why = { message: "no", path: ["a"], extensions: { code: "BAD_USER_INPUT", field: "id" } };
  await replace("south", () => ({ data: null, errors: [why] }));
  const { data, errors } = await library.ask(
    `{ a: reader(id: "south:1") { name } b: reader(id: "north:1") { name } }`,
  );
  expect(data).toEqual({ a: null, b: { name: "north reader 1" } });
  expect(errors).toEqual([why]);
});

/** Two readers of the north and one of the south. */
const CROSSING = `{ reader(id: "north:1") { friends { name } } }`;

test.each<[string, unknown]>([
  ["no list", { data: {} }],
  ["null for the list, without a reason", { data: { _entities: null } }],
  ["too few", { data: { _entities: [] } }],
  ["too many", { data: { _entities: [{ name: "a" }, { name: "b" }] } }],
  ["something else than a list", { data: { _entities: { 0: { name: "a" } } } }],
  ["texts", { data: { _entities: ["x"] } }],
])("%s for entities is a branch that has failed", async (_, answer) => {
  await replace("south", () => answer);
  const { data, errors } = await library.ask(CROSSING);
  expect(data.reader.friends).toEqual([{ name: "north reader 2" }, null, { name: "west reader 2" }]);
  expect(errors!.map(({ path, extensions }) => ({ path, extensions }))).toEqual([
    { path: ["reader", "friends", 1], extensions: south },
  ]);
});

test.each([[["_entities", 99]], [["_entities"]], [[]], [["else", 0]], [["_entities", "constructor"]]])(
  "an error at the path %j is said at the branch's own first entity",
  async (path) => {
    const error = { message: "no", path, extensions: { code: "BAD_USER_INPUT" } };
    await replace("south", () => ({ data: { _entities: [null] }, errors: [error] }));
    const { data, errors } = await library.ask(CROSSING);
    expect(data.reader.friends).toEqual([{ name: "north reader 2" }, null, { name: "west reader 2" }]);
    expect(codesOf(errors)).toEqual([{ path: ["reader", "friends", 1], code: "BAD_USER_INPUT" }]);
  },
);

test("an error beyond a branch's share of a gathered list stays within its share", async () => {
  const error = { message: "no", path: ["branches", 1, "name"], extensions: { code: "BAD_USER_INPUT" } };
  await replace("south", () => ({ data: { branches: [{ id: "south" }] }, errors: [error] }));
  const { errors } = await library.ask("{ branches { id } }");
  expect(codesOf(errors)).toEqual([{ path: ["branches", 1], code: "BAD_USER_INPUT" }]);
});

test.each<[string, unknown]>([
  ["nothing", { data: {} }],
  ["a text", { data: { b: "x" } }],
  ["a malformed error", { data: { b: { title: "x" } }, errors: [{}] }],
])("a replica that answers %s has failed", async (_, answer) => {
  await replace("books", () => answer);
  const { data, errors } = await library.ask(
    `{ b: book(isbn: "100") { title } reader(id: "north:1") { name } }`,
  );
  expect(data).toEqual({ b: null, reader: { name: "north reader 1" } });
  expect(errors).toMatchObject([
    { path: ["b"], extensions: { code: "SUBGRAPH_UNAVAILABLE", subgraph: "books" } },
  ]);
});

const USELESS: [string, unknown, number?][] = [
  ["breaks the connection", CUT],
  ["answers 500", { errors: [{ message: "no" }] }, 500],
  ["answers 502", "<html>", 502],
  ["answers 504", "<html>", 504],
  ["answers what cannot be read", "<html>"],
  ["answers something else", { data: { b: "x" } }],
  ["redirects", "", 302],
];

test.each(USELESS)(
  "after a service that %s it is not known what became of a mutation",
  async (_, answer, status) => {
    const options = status === undefined ? {} : { status };
    await replace("books", () => answer, options);
    await replace("south", () => answer, options);
    const { data, errors } = await library.ask(
      `mutation { b: buy(isbn: "100") { title } s: greet(input: { readerId: "south:1" }) { name } }`,
    );
    expect(data).toEqual({ b: null, s: null });
    expect(errors!.map(({ path, extensions }) => ({ path, extensions }))).toEqual([
      { path: ["b"], extensions: { code: "OUTCOME_UNKNOWN", subgraph: "books" } },
      { path: ["s"], extensions: { code: "OUTCOME_UNKNOWN", branch: "south" } },
    ]);
  },
);

test("a mutation that nobody got has not happened, and neither has what comes after one that was lost", async () => {
  await library.stopBooks();
  restore.push(() => library.startBooks());
  await replace("south", () => CUT);
  const { errors } = await library.ask(
    `mutation {
      a: greet(input: { readerId: "south:1" }) { name }
      b: buy(isbn: "100") { title }
      c: greet(input: { readerId: "south:2" }) { name }
    }`,
  );
  expect(codesOf(errors)).toEqual([
    { path: ["a"], code: "OUTCOME_UNKNOWN" },
    { path: ["b"], code: "SUBGRAPH_UNAVAILABLE" },
    { path: ["c"], code: "BRANCH_UNAVAILABLE" },
  ]);
});

test("a redirect is told as one, without its target", async () => {
  await replace("books", () => "", { status: 307 });
  const { errors } = await library.ask(`mutation { b: buy(isbn: "100") { title } }`);
  expect(errors).toEqual([
    {
      message: `The service "books" is unavailable: it answered with a redirect, which is not followed.`,
      path: ["b"],
      extensions: { code: "SUBGRAPH_UNAVAILABLE", subgraph: "books" },
    },
  ]);
});

test("a replica that answers too few entities has failed", async () => {
  await replace("books", () => ({ data: { _entities: [] } }));
  const { data, errors } = await library.ask(
    `{ event(id: "north:e1") { id ... on Loan { book { title } } } }`,
  );
  expect(data).toEqual({ event: { id: "north:e1", book: null } });
  expect(codesOf(errors)).toEqual([{ path: ["event", "book"], code: "SUBGRAPH_UNAVAILABLE" }]);
});

test("a replica that is down has no errors for fields that were not asked for", async () => {
  await library.stopBooks();
  restore.push(() => library.startBooks());
  const { data, errors } = await library.ask(
    `query ($yes: Boolean = true, $no: Boolean!) {
      a: book(isbn: "1") @include(if: $no) { title } ... @skip(if: $yes) { b: book(isbn: "2") { title } }
      c: book(isbn: "3") @include(if: $yes) @skip(if: $no) { title }
    }`,
    { no: false },
  );
  expect(data).toEqual({ c: null });
  expect(codesOf(errors)).toEqual([{ path: ["c"], code: "SUBGRAPH_UNAVAILABLE" }]);
});

test("a value that is missing where it must not be is an error, not an extension", async () => {
  await replace("south", () => ({ data: { a: { name: null }, b: {} } }));
  const answer = await library.ask(`{ a: reader(id: "south:1") { name } b: reader(id: "south:2") { name } }`);
  expect(answer.data).toEqual({ a: null, b: null });
  expect(codesOf(answer.errors)).toEqual([
    { path: ["a", "name"], code: "INTERNAL_SERVER_ERROR" },
    { path: ["b", "name"], code: "INTERNAL_SERVER_ERROR" },
  ]);
  expect(answer).not.toHaveProperty("extensions");
  expect(JSON.stringify(answer.errors)).not.toContain("non-nullable");
});

test.each<[string, Record<string, unknown> | undefined]>([
  ["no code", undefined],
  ["a code that is not ours", { code: "ER_ACCESS_DENIED" }],
  ["a code that looks like ours", { code: "UNKNOWN_ERROR" }],
  ["a code that is no text", { code: 5 }],
])("the words of an error with %s stay in the log", async (_, extensions) => {
  const error = { message: "password of 10.0.0.1", path: ["a"], ...(extensions && { extensions }) };
  await replace("south", () => ({ data: { a: null }, errors: [error] }));
  const { errors } = await library.ask(`{ a: reader(id: "south:1") { name } }`);
  expect(errors).toEqual([
    {
      message: expect.not.stringContaining("password"),
      path: ["a"],
      extensions: { code: "INTERNAL_SERVER_ERROR" },
    },
  ]);
});

test("an error of ours passes, without a stack and without a say in the answer's status", async () => {
  const extensions = { code: "WRONG_BRANCH", branch: "south", stacktrace: ["at x"], http: { status: 418 } };
  await replace("south", () => ({ data: { a: null }, errors: [{ message: "no", path: ["a"], extensions }] }));
  const { status, errors } = await library.ask(`{ a: reader(id: "south:1") { name } }`);
  expect(status).toBe(200);
  expect(errors).toEqual([
    { message: "no", path: ["a"], extensions: { code: "WRONG_BRANCH", branch: "south" } },
  ]);
});

test("of very many errors the first are listed, and one says how many more there are", async () => {
  const error = (index: number) => ({
    message: "no",
    path: ["branches", 0, "readers", index],
    extensions: { code: "BAD_USER_INPUT" },
  });
  const errors = Array.from({ length: 5_000 }, (_, index) => error(index));
  await replace("south", () => ({
    data: { branches: [{ readers: errors.map(() => ({ secret: null })) }] },
    errors,
  }));
  const answer = await library.ask("{ branches { readers { secret } } }");
  const own = answer.errors!.filter(({ path }) => path![1] === 1);
  expect(own).toHaveLength(101);
  expect(own.at(-1)).toEqual({
    message: "no (4900 like this are not listed)",
    path: ["branches", 1, "readers", 100],
    extensions: { code: "BAD_USER_INPUT", notListed: 4_900 },
  });
});
