/**
 * Goal: clients see one graph, whichever services hold the rows. Method: a whole gateway over real services,
 * and the list of its requests to them.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { Library } from "./fixture/library.ts";

let library: Library;
beforeAll(async () => {
  library = await Library.start();
});
afterAll(() => library.close());

test("root fields go to the owners of their ids, one request a partition", async () => {
  const { data, errors, asked } = await library.askCounting(
    `query ($id: ID!) {
      a: reader(id: "north:1") { name }
      b: reader(id: $id) { ...who }
      c: reader(id: "north:2") { ...who }
      d: branch(id: "West  Town") { name }
      reader { id }
    }
    fragment who on Reader { id name home { name } }`,
    { id: "south:2" },
  );
  expect(errors).toBeUndefined();
  expect(data).toEqual({
    a: { name: "north reader 1" },
    b: { id: "south:2", name: "south reader 2", home: { name: "the south branch" } },
    c: { id: "north:2", name: "north reader 2", home: { name: "the north branch" } },
    d: null,
    reader: { id: "north:1" },
  });
  expect(asked).toEqual(["branch/north", "branch/south", "branch/west"]);
});

test("gathered lists are joined in the topology's order, next to routed fields", async () => {
  const { data, asked } = await library.askCounting(
    `{ branches { id readers(first: 1) { name } } reader(id: "south:1") { id } again: branches { name } __typename }`,
  );
  expect(data).toEqual({
    branches: ["north", "south", "west"].map((id) => ({ id, readers: [{ name: `${id} reader 1` }] })),
    reader: { id: "south:1" },
    again: ["north", "south", "west"].map((id) => ({ name: `the ${id} branch` })),
    __typename: "Query",
  });
  expect(asked).toEqual(["branch/north", "branch/south", "branch/west"]);
});

test("entities are fetched from their owners and come back in order", async () => {
  const { data, errors, asked } = await library.askCounting(
    `{ books { title total copies { branch { id name } count } } }`,
  );
  expect(errors).toBeUndefined();
  const copies = (factor: number) =>
    ["north", "south", "west"].map((id, index) => ({
      branch: { id, name: `the ${id} branch` },
      count: index + factor,
    }));
  expect(data.books).toEqual([
    { title: "Xala", total: 6, copies: copies(1) },
    { title: "So Long a Letter", total: 9, copies: copies(2) },
  ]);
  expect(asked).toEqual(["books", "books", "branch/north", "branch/south", "branch/west"]);
});

test("a routing value inside an input object, by variable at any level or as a literal", async () => {
  const query = `query ($filter: ReaderFilter!, $at: Place!, $branch: ID!) {
    a: findReaders(filter: $filter) { id }
    b: findReaders(filter: { at: $at, name: "2" }) { id }
    c: findReaders(filter: { at: { branch: $branch }, name: "3" }) { id }
    d: findReaders(filter: { at: { branch: "north" }, name: "4" }) { id }
  }`;
  const at = { branch: "south" };
  const { data, errors } = await library.ask(query, { filter: { at, name: "1" }, at, branch: "west" });
  expect(errors).toBeUndefined();
  expect(data).toEqual({
    a: [{ id: "south:1" }],
    b: [{ id: "south:2" }],
    c: [{ id: "west:3" }],
    d: [{ id: "north:4" }],
  });
});

test("conditions at the root are decided before anybody is asked", async () => {
  const query = `query ($yes: Boolean = true, $no: Boolean!) {
    a: reader(id: "north:1") @include(if: $yes) { id }
    b: reader(id: "south:1") @include(if: $no) { id }
    ... @skip(if: $yes) { c: reader(id: "west:1") { id } }
    ... on Query { d: reader(id: "north:2") { id } }
  }`;
  const { data, asked } = await library.askCounting(query, { no: false });
  expect(data).toEqual({ a: { id: "north:1" }, d: { id: "north:2" } });
  expect(asked).toEqual(["branch/north"]);
});

test("a mutation's fields run in their order, neighbours of one partition together", async () => {
  library.requests = [];
  const { data, errors } = await library.ask(
    `mutation ($input: GreetInput!) {
      a: greet(input: { readerId: "north:1" }) { greetings }
      b: greet(input: $input) { greetings }
      c: greet(input: { readerId: "south:1", times: 5 }) { greetings bestFriend { name } }
      d: greet(input: { readerId: "north:1", times: 10 }) { greetings }
      buy(isbn: 100) { title }
    }`,
    { input: { readerId: "north:1" } },
  );
  expect(errors).toBeUndefined();
  expect(data).toEqual({
    a: { greetings: 1 },
    b: { greetings: 2 },
    c: { greetings: 5, bestFriend: { name: "west reader 1" } },
    d: { greetings: 12 },
    buy: { title: "Xala" },
  });
  expect(library.requests.map(({ subgraph, partition }) => partition ?? subgraph)).toEqual([
    "north",
    "south",
    "north",
    "west",
    "books",
  ]);
});

test("nothing runs after a mutation's field that makes the whole answer null", async () => {
  const { data, errors, asked } = await library.askCounting(
    `mutation {
      a: mustGreet(input: { readerId: "west:1" }) { id }
      b: mustGreet(input: { readerId: "south:3", times: -1 }) { id }
      c: mustGreet(input: { readerId: "north:3" }) { id }
    }`,
  );
  expect(data).toBeNull();
  expect(errors).toMatchObject([{ path: ["b"], extensions: { code: "BAD_USER_INPUT" } }]);
  expect(asked).toEqual(["branch/south", "branch/west"]);
});

test("an id of a partition that does not exist fails its own field alone", async () => {
  const { data, errors, asked } = await library.askCounting(
    `{ a: reader(id: "east:1") { id } b: reader(id: "north:1") { id } }`,
  );
  expect(data).toEqual({ a: null, b: { id: "north:1" } });
  expect(errors).toEqual([
    {
      message: 'There is no branch "east".',
      path: ["a"],
      extensions: { code: "UNKNOWN_BRANCH", branch: "east" },
    },
  ]);
  expect(asked).toEqual(["branch/north"]);
});

test("without a routing value a field names what is missing", async () => {
  const { data, errors, asked } = await library.askCounting("{ findReaders(filter: { at: {} }) { id } }");
  expect(data).toEqual({ findReaders: null });
  expect(errors).toEqual([
    {
      message: "filter.at.branch: is missing; it says which branch is meant",
      path: ["findReaders"],
      extensions: { code: "BAD_USER_INPUT", field: "filter.at.branch" },
    },
  ]);
  expect(asked).toEqual([]);
});

test("errors of a partition arrive at the client's paths with their codes", async () => {
  const { data, errors } = await library.ask(
    `{ branches { people: readers(first: 2) { id hush: secret } } one: reader(id: "south:2") { secret } }`,
  );
  expect(data.branches[1].people).toEqual([
    { id: "south:1", hush: "likes south:1" },
    { id: "south:2", hush: null },
  ]);
  expect(errors!.map(({ path }) => path!.join(".")).sort()).toEqual([
    "branches.0.people.1.hush",
    "branches.1.people.1.hush",
    "branches.2.people.1.hush",
    "one.secret",
  ]);
  for (const { extensions } of errors!) expect(extensions).toEqual({ code: "BAD_USER_INPUT" });
});
