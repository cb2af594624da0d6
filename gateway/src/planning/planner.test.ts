/**
 * Goal: what the planner cannot do is told to whoever is to blame. Method: an operation that it fails on (a
 * chain of required fields over two interface objects), and a supergraph with a directive that it does not
 * know.
 */
import { GraphQLError } from "graphql";
import { expect, test } from "vitest";
import { startGraph } from "../fixture/engine.ts";

test("an operation that the planner fails on is a fault, and says so without the planner's words", async () => {
  const { ask } = startGraph({
    works: {
      sdl: `type Query { works: [Work!]! } interface Work @key(fields: "id") { id: ID! title: String! }
        type Film implements Work @key(fields: "id") { id: ID! title: String! }`,
      resolvers: {},
    },
    stars: {
      sdl: `type Work @interfaceObject @key(fields: "id") {
        id: ID! title: String! @external loud: String @requires(fields: "title") }`,
      resolvers: {},
    },
    prizes: {
      sdl: `type Work @interfaceObject @key(fields: "id") {
        id: ID! loud: String @external motto: String @requires(fields: "loud") }`,
      resolvers: {},
    },
  });
  const fault = await ask("{ works { motto } }").catch((error: unknown) => error);
  expect(fault).not.toBeInstanceOf(GraphQLError);
  expect(fault).toMatchObject({ message: "the query planner failed", cause: expect.any(GraphQLError) });
});

test("a directive that the gateway does not carry out is refused at the start, by its name", () => {
  const sdl = `type Query { open: Int }
    type Shop @key(fields: "id") @federation__context(name: "shop") { id: ID! rate: Int! sack: Sack! }
    type Sack @key(fields: "id") { id: ID! price(rate: Int @federation__fromContext(field: "$shop { rate }")): Int! }`;
  expect(() => startGraph({ vault: { sdl, resolvers: {} } })).toThrow(
    /^Supergraph: feature https:\/\/specs.apollo.dev\/context\/v0.1 .* unsupported$/,
  );
});
