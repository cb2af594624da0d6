/** Goal: a null where none may be is told at its place, whatever else has failed. Method: entities that are missing beside errors of others. */
import { expect, test } from "vitest";
import { startGraph } from "./fixture.ts";

const world = startGraph({
  a: {
    sdl: `type Query { rows: [Row] one: Row all: [Row!]! part: Part bad: Int }
      type Row @key(fields: "id") { id: ID! } type Part @key(fields: "of { id }") { of: Of! } type Of @key(fields: "id") { id: ID! }`,
    resolvers: {
      Query: {
        rows: () => [{ id: "1" }, { id: "gone" }, { id: "fails" }],
        one: () => ({ id: "gone" }),
        all: () => [{ id: "gone" }],
        part: () => ({ of: { id: "fails" } }),
        bad: () => {
          throw new Error("of something else");
        },
      },
    },
  },
  b: {
    sdl: `type Row @key(fields: "id") { id: ID! must: String! may: String }
      type Part @key(fields: "of { id }") { of: Of! must: String! } type Of @key(fields: "id") { id: ID! name: String! }`,
    resolvers: {
      Part: {
        __resolveReference: async () => {
          throw new Error("fails");
        },
      },
      Row: {
        __resolveReference: async ({ id }: { id: string }) => {
          if (id === "fails") throw new Error("fails");
          return id === "gone" ? null : { id, must: "m" };
        },
      },
    },
  },
});

test.each<[string, unknown, string[]]>([
  ["{ one { must } }", { one: null }, ["one.must"]],
  ["{ one { must } bad }", { one: null, bad: null }, ["bad", "one.must"]],
  ["{ rows { must } }", { rows: [{ must: "m" }, null, null] }, ["rows.1.must", "rows.2"]],
  [
    "{ rows { may } bad }",
    { rows: [{ may: null }, { may: null }, { may: null }], bad: null },
    ["bad", "rows.2"],
  ],
  ["{ part { of { name } must } }", { part: null }, ["part"]],
  ["{ bad all { must } }", null, ["all.0.must", "bad"]],
])("%s", async (query, data, places) => {
  const answer = await world.ask(query);
  expect(answer.data).toEqual(data);
  expect(answer.errors?.map(({ path }) => path?.join(".")).sort()).toEqual(places);
});
