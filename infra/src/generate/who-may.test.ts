/**
 * Goal: a field that nobody has decided about is found, and one that would take the object around it along.
 * Method: small schemas.
 */
import { buildSchema } from "graphql";
import { expect, test } from "vitest";
import { whoMay } from "./who-may.ts";

const directives = `
  directive @public on OBJECT | FIELD_DEFINITION
  directive @policy(policies: [[String!]!]!) on OBJECT | FIELD_DEFINITION
  directive @requiresScopes(scopes: [[String!]!]!) on OBJECT | FIELD_DEFINITION
  type Mutation @public { nothing: Int }`;

const tableOf = (sdl: string) => {
  const whole = `${directives}\n${sdl}`;
  return whoMay(buildSchema(whole), [whole]);
};

test("a field without a decision of its own or of its type is refused", () => {
  expect(() => tableOf("type Query { shown: Int @public, forgotten: Int }")).toThrow(
    "Query.forgotten: nobody has decided.",
  );
});

test("a field that fewer may have than the object around it must be nullable", () => {
  const sdl =
    'type Query @public { a: A } type A @public { secret: Int! @requiresScopes(scopes: [["client"]]) }';
  expect(() => tableOf(sdl)).toThrow("A.secret: fewer may have it");
});

test("but not inside an object that only those reach who may have it", () => {
  const scopes = '@requiresScopes(scopes: [["client"]])';
  const sdl = `type Query @public { a: A ${scopes} } type A @public { secret: Int! ${scopes} }`;
  expect(tableOf(sdl)).toContain("| `secret` | – | yes | – | – |");
});

test("a field counts with what the object that it returns asks for", () => {
  const table = tableOf(`
    type Query @public { a: A, free: Int, b: Int @requiresScopes(scopes: [["company:operate"]]) }
    type A @policy(policies: [["own client"], ["own city"]]) { id: ID! }`);
  expect(table).toContain("| `free` | yes | yes | yes | yes |");
  expect(table).toContain("| `a` | – | own | own city | yes |");
  expect(table).toContain("| `b` | – | – | – | yes |");
});
