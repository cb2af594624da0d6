/**
 * Goal: an entity is asked for once at a time, whatever leads to it, and its errors are reported wherever it
 * stands. Method: two subgraphs, and the list of what they were asked.
 */
import { expect, test } from "vitest";
import { startGraph } from "../fixture/engine.ts";

const names: Record<string, string> = { "1": "Xala", "2": "Niiwam", "3": "Guelwaar" };

const { ask } = startGraph({
  shelves: {
    sdl: `type Query { shelves: [Shelf!]! newest: Book first: Book }
      type Shelf { id: ID! books: [Book!]! best: Book }
      type Book @key(fields: "id") { id: ID! }`,
    resolvers: {
      Query: {
        shelves: () => [
          { id: "a", books: [{ id: "1" }, { id: "2" }], best: { id: "2" } },
          { id: "b", books: [{ id: "2" }, { id: "4" }], best: null },
        ],
        newest: () => ({ id: "2" }),
        first: () => ({ id: "3" }),
      },
    },
  },
  books: {
    sdl: `type Book @key(fields: "id") { id: ID! name: String! maker: Maker! more: [Book!]! }
      type Maker { name: String! born: Int }`,
    resolvers: {
      Book: {
        __resolveReference: ({ id }: { id: string }) => ({ id }),
        name: ({ id }: { id: string }) => {
          if (!names[id]) throw new Error(`no book ${id}`);
          return names[id];
        },
        maker: () => ({ name: "Sembène", born: 1923 }),
        more: () => [{ id: "1" }],
      },
    },
  },
});

const idsAsked = (asked: Awaited<ReturnType<typeof ask>>["asked"]) =>
  asked
    .filter(({ subgraph }) => subgraph === "books")
    .map(({ variables }) => (variables!.representations as { id: string }[]).map(({ id }) => id));

test("branches of a plan that ask the same of one subgraph are one request, with each entity once", async () => {
  const { data, errors, asked } = await ask(
    `{ shelves { id books { name } best { name } } newest { name maker { name } } first { name } }`,
  );
  expect(idsAsked(asked).flat().sort()).toEqual(["1", "2", "2", "3", "4"]);
  expect(idsAsked(asked)).toHaveLength(2);
  expect(data).toEqual(null);
  expect(errors!.length).toBeGreaterThan(0);
});

test("one object at several places is complete at each of them", async () => {
  const { data, errors, asked } = await ask(
    `{ newest { name maker { name born } } again: newest { id maker { born } more { name } } }`,
  );
  expect(errors).toBeUndefined();
  const maker = { name: "Sembène", born: 1923 };
  expect(data).toEqual({
    newest: { name: "Niiwam", maker },
    again: { id: "2", maker: { born: 1923 }, more: [{ name: "Xala" }] },
  });
  expect(asked.map(({ subgraph }) => subgraph)).toEqual(["shelves", "books", "books"]);
});

test("an error within an entity is said at each of its places, also those of other branches", async () => {
  const query = (name: string) => `{ shelves { books { id ${name}: maker { name } more { name } } } }`;
  expect((await ask(query("x"))).errors).toBeUndefined();
  names["2"] = "";
  const { errors } = await ask(`{ shelves { best { name } books { id } } newest { name } first { name } }`);
  names["2"] = "Niiwam";
  expect(errors).toEqual([
    { message: "no book 2", path: ["shelves", 0, "best", "name"] },
    { message: "no book 2", path: ["newest", "name"] },
  ]);
});
