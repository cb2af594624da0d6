/**
 * Goal: a null in a non-null place is reported at its place, whatever else has failed. Method: missing
 * entities together with errors of other services.
 */
import { GraphQLScalarType } from "graphql";
import { expect, test } from "vitest";
import { startGraph } from "../fixture/engine.ts";

const world = startGraph({
  a: {
    sdl: `type Query { rows: [Row] one: Row alone: Row all: [Row!]! part: Part bad: Int }
      type Row @key(fields: "id") { id: ID! } type Part @key(fields: "of { id }") { of: Of! } type Of @key(fields: "id") { id: ID! }`,
    resolvers: {
      Query: {
        rows: () => [{ id: "1" }, { id: "gone" }, { id: "fails" }],
        one: () => ({ id: "gone" }),
        alone: () => ({ id: "alone" }),
        all: () => [{ id: "gone" }],
        part: () => ({ of: { id: "fails" } }),
        bad: () => {
          throw new Error("of something else");
        },
      },
    },
  },
  b: {
    sdl: `type Row @key(fields: "id") { id: ID! must: String! may: String word: String @external needs: String! @requires(fields: "word") }
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
  c: {
    sdl: `scalar Odd type Query { odd(v: Odd): Int } type Row @key(fields: "id") { id: ID! word: String fails: String }`,
    resolvers: {
      Odd: new GraphQLScalarType({
        name: "Odd",
        parseValue: () => {
          throw new Error("of the whole request");
        },
      }),
      Row: {
        __resolveReference: async ({ id }: { id: string }) => {
          if (id === "alone") throw new Error("has no words");
          return { id, word: "w" };
        },
        fails: () => {
          throw new Error("fails beside");
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
  // An error of another service, at the same object or without a place.
  ["{ one { fails must } }", { one: null }, ["one.fails", "one.must"]],
  ["query ($v: Odd) { odd(v: $v) one { must } }", { odd: null, one: null }, ["none", "one.must"]],
  // An error of another service that must be asked first.
  ["{ alone { needs } }", { alone: null }, ["alone"]],
])("%s", async (query, data, places) => {
  const answer = await world.ask(query, { v: 1 });
  expect(answer.data).toEqual(data);
  expect(answer.errors?.map(({ path }) => path?.join(".") ?? "none").sort()).toEqual(places);
});
