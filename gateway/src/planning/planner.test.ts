/**
 * Goal: an operation that the query planner fails on is a fault of ours, and not of the client's document.
 * Method: a chain of required fields over two interface objects, which the planner cannot plan.
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
