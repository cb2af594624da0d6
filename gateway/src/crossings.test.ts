/**
 * Goal: a field that leads to a row of another partition returns that row, at any depth and however it is
 * asked for. Method: a whole gateway over branches that refuse to touch each other's rows, and the list of
 * its requests.
 */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { Library } from "./fixture/library.ts";

const BRANCHES = ["branch/north", "branch/south", "branch/west"];

let library: Library;
let stopped: string | undefined;
beforeAll(async () => {
  library = await Library.start();
});
afterAll(() => library.close());

afterEach(async () => {
  if (stopped) await library.startBranch(stopped);
  stopped = undefined;
});

async function stop(id: string): Promise<void> {
  await library.stopBranch(id);
  stopped = id;
}

test("an object is fetched from its owner", async () => {
  const { data, errors, asked } = await library.askCounting(
    `{ reader(id: "north:1") { name pal: bestFriend { name home { name } } } }`,
  );
  expect(errors).toBeUndefined();
  const pal = { name: "south reader 1", home: { name: "the south branch" } };
  expect(data).toEqual({ reader: { name: "north reader 1", pal } });
  expect(asked).toEqual(["branch/north", "branch/south"]);
});

test("nothing more is asked if the key is all that is wanted", async () => {
  const { data, asked } = await library.askCounting(
    `{ reader(id: "north:1") { bestFriend { __typename i: id ... on Reader { id } } friends { id } } }`,
  );
  expect(data.reader.bestFriend).toEqual({ __typename: "Reader", i: "south:1", id: "south:1" });
  expect(data.reader.friends.map(({ id }: { id: string }) => id)).toEqual(["north:2", "south:2", "west:2"]);
  expect(asked).toEqual(["branch/north"]);
});

test("many objects cost one request a partition, and one that occurs often is fetched once", async () => {
  const { data, asked } = await library.askCounting(
    `{ branches { readers { friends { name } bestFriend { name } } } }`,
  );
  expect(data.branches).toHaveLength(3);
  expect(data.branches[2].readers[3]).toEqual({
    friends: ["north", "south", "west"].map((id) => ({ name: `${id} reader 1` })),
    bestFriend: { name: "north reader 4" },
  });
  expect(asked).toEqual([...BRANCHES, ...BRANCHES].sort());
  const followUps = library.requests.filter(({ operation }) => operation.includes("_entities"));
  expect(new Set(followUps.map(({ operation }) => operation)).size).toBe(1);
});

test("crossings within crossings, and one field asked for in several places of an operation", async () => {
  const { data, errors } = await library.ask(
    `query ($yes: Boolean!) {
      reader(id: "north:1") {
        bestFriend { ...one }
        bestFriend { bestFriend { name bestFriend { name bestFriend { name } } } }
        bestFriend @skip(if: $yes) { secret }
        bestFriend @include(if: $yes) { id greetings }
      }
    }
    fragment one on Reader { friends { name home { id } } }`,
    { yes: true },
  );
  expect(errors).toBeUndefined();
  const friend = (id: string) => ({ name: `${id} reader 2`, home: { id } });
  expect(data.reader.bestFriend).toEqual({
    id: "south:1",
    greetings: 0,
    friends: [friend("north"), friend("south"), friend("west")],
    bestFriend: {
      name: "west reader 1",
      bestFriend: { name: "north reader 1", bestFriend: { name: "south reader 1" } },
    },
  });
});

test("behind interfaces, unions and compound keys, under aliases that differ by type", async () => {
  const { data, errors } = await library.ask(
    `{ branch(id: "north") {
        events { at { name } ... on Loan { who: by { name } } ... on Visit { guest: by { name } who: at { title: name } } }
        activity { __typename ... on Loan { copy { count book { title } lentTo { name } } } ... on Visit { by { name } } }
    } }`,
  );
  expect(errors).toBeUndefined();
  expect(data.branch.events).toEqual([
    { at: { name: "the west branch" }, who: { name: "south reader 1" } },
    {
      at: { name: "the north branch" },
      guest: { name: "west reader 2" },
      who: { title: "the north branch" },
    },
    { at: { name: "the south branch" }, who: { name: "north reader 3" } },
  ]);
  expect(data.branch.activity).toEqual([
    {
      __typename: "Loan",
      copy: { count: 4, book: { title: "So Long a Letter" }, lentTo: { name: "north reader 1" } },
    },
    { __typename: "Visit", by: { name: "west reader 2" } },
    {
      __typename: "Loan",
      copy: { count: 3, book: { title: "So Long a Letter" }, lentTo: { name: "west reader 1" } },
    },
  ]);
});

test("an alias that looks like one of ours does no harm", async () => {
  const { data } = await library.ask(`{ reader(id: "north:1") { crossing_0: name bestFriend { name } } }`);
  expect(data.reader).toEqual({ crossing_0: "north reader 1", bestFriend: { name: "south reader 1" } });
});

test("below an entity fetched for another subgraph", async () => {
  const { data, errors } = await library.ask(`{ book(isbn: "100") { copies { lentTo { name } count } } }`);
  expect(errors).toBeUndefined();
  expect(data.book.copies).toEqual([
    { lentTo: { name: "south reader 1" }, count: 1 },
    { lentTo: { name: "west reader 1" }, count: 2 },
    { lentTo: { name: "north reader 1" }, count: 3 },
  ]);
});

test("an object whose owner is down is null, with an error at each of its places", async () => {
  await stop("south");
  const { data, errors } = await library.ask(
    `{ a: reader(id: "north:1") { name friends { name } pal: bestFriend { name } } b: reader(id: "west:1") { friends { name } } }`,
  );
  const friends = [{ name: "north reader 2" }, null, { name: "west reader 2" }];
  expect(data).toEqual({ a: { name: "north reader 1", friends, pal: null }, b: { friends } });
  const unavailable = {
    message: 'The branch "south" is unavailable.',
    extensions: { code: "BRANCH_UNAVAILABLE", branch: "south" },
  };
  expect(errors).toHaveLength(3);
  expect(errors).toEqual(
    expect.arrayContaining([
      { ...unavailable, path: ["a", "pal"] },
      { ...unavailable, path: ["a", "friends", 1] },
      { ...unavailable, path: ["b", "friends", 1] },
    ]),
  );
});

test("an error within a fetched object has the client's path, at every place of the object", async () => {
  const { data, errors } = await library.ask(
    `{ a: reader(id: "north:2") { pal: bestFriend { name hush: secret } } b: reader(id: "north:2") { friend: bestFriend { name hush: secret } } }`,
  );
  expect(data.b.friend).toEqual({ name: "south reader 2", hush: null });
  expect(errors!.map(({ path }) => path)).toEqual([
    ["a", "pal", "hush"],
    ["b", "friend", "hush"],
  ]);
});
