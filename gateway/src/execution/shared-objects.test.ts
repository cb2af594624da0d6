/**
 * Goal: branches of a plan that share requests and objects do not change each other's objects, and lose
 * nothing. Method: graphs in which several subgraphs answer for one object, in an order that the test
 * decides.
 */
import { expect, test } from "vitest";
import { startGraph } from "../fixture/engine.ts";

test("entities that branches know by different keys are different ones, though the keys' values are equal", async () => {
  const { ask } = startGraph({
    ids: {
      sdl: `type Query { a: Thing } type Thing @key(fields: "id") { id: ID! }`,
      resolvers: { Query: { a: () => ({ id: "1" }) } },
    },
    codes: {
      sdl: `type Query { b: Thing } type Thing @key(fields: "code") { code: ID! }`,
      resolvers: { Query: { b: () => ({ code: "1" }) } },
    },
    names: {
      sdl: `type Thing @key(fields: "id") @key(fields: "code") { id: ID! code: ID! name: String }`,
      resolvers: {
        Thing: {
          __resolveReference: ({ id, code }: { id?: string; code?: string }) => ({
            id: id ?? "x",
            code: code ?? "x",
            name: id ? `id ${id}` : `code ${code}`,
          }),
        },
      },
    },
  });
  const { data, asked } = await ask("{ a { name } b { name } }");
  expect(data).toEqual({ a: { name: "id 1" }, b: { name: "code 1" } });
  expect(asked.filter(({ subgraph }) => subgraph === "names")).toHaveLength(1);
});

/**
 * `slow` brings members that `others` does not. `last` needs what `others` has brought, and is answered after
 * `slow`.
 */
function startParts() {
  const begun = Promise.withResolvers<void>();
  const merged = Promise.withResolvers<void>();
  return startGraph({
    lists: {
      sdl: `type Query { list: [Thing!]! } type Thing @key(fields: "id") { id: ID! }`,
      resolvers: { Query: { list: () => [{ id: "1" }, { id: "1" }, { id: "2" }] } },
    },
    others: {
      sdl: `type Thing @key(fields: "id") { id: ID! part: Part @shareable } type Part @key(fields: "key") { key: ID! }`,
      resolvers: {
        Thing: {
          __resolveReference: (thing: object) => thing,
          part: ({ id }: { id: string }) => ({ key: `p${id}` }),
        },
      },
    },
    slow: {
      sdl: `type Thing @key(fields: "id") { id: ID! part: Part @shareable } type Part { weight: Int }`,
      resolvers: {
        Thing: {
          __resolveReference: async (thing: object) => {
            await begun.promise;
            // The answer is on its way when `last` continues.
            setImmediate(merged.resolve);
            return thing;
          },
          part: ({ id }: { id: string }) => ({ weight: Number(id) }),
        },
      },
    },
    last: {
      sdl: `type Part @key(fields: "key") { key: ID! name: String! }`,
      resolvers: {
        Part: {
          __resolveReference: async ({ key }: { key: string }) => {
            begun.resolve();
            await merged.promise;
            await new Promise(setImmediate);
            return { key, name: `part ${key}` };
          },
        },
      },
    },
  });
}

test("an object is not lost to a branch that is about to complete it, when another one tells of it", async () => {
  const { data, errors } = await startParts().ask("{ list { part { weight name } } }");
  expect(errors).toBeUndefined();
  const part = (id: number) => ({ part: { weight: id, name: `part p${id}` } });
  expect(data).toEqual({ list: [part(1), part(1), part(2)] });
});

test("branches that ask for other things under one name do not see one another's", async () => {
  const { ask } = startGraph({
    lists: {
      sdl: `type Query { a: Thing b: Thing } type Thing @key(fields: "id") { id: ID! }`,
      resolvers: { Query: { a: () => ({ id: "1" }), b: () => ({ id: "1" }) } },
    },
    parts: {
      sdl: `type Thing @key(fields: "id") { id: ID! part: Part } type Part @key(fields: "key") { key: ID! }`,
      resolvers: { Thing: { __resolveReference: (thing: object) => thing, part: () => ({ key: "p" }) } },
    },
    labels: {
      sdl: `type Part @key(fields: "key") { key: ID! label(in: String): String }`,
      resolvers: {
        Part: {
          __resolveReference: (part: object) => part,
          label: ({ key }: { key: string }, { in: language }: { in: string }) => `${key} in ${language}`,
        },
      },
    },
  });
  const { data, errors, asked } = await ask(
    `{ a { part { text: label(in: "fr") } } b { part { text: label(in: "wo") } } }`,
  );
  expect(errors).toBeUndefined();
  expect(data).toEqual({ a: { part: { text: "p in fr" } }, b: { part: { text: "p in wo" } } });
  // One request for the part that both share, and one for each label.
  expect(asked.map(({ subgraph }) => subgraph).sort()).toEqual(["labels", "labels", "lists", "parts"]);
});
