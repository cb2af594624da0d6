/**
 * Goal: a guarded object is shown to nobody else, whichever field leads to it; a policy that nobody has an
 * owner for stops the start. Method: a small schema and plain objects.
 */
import { buildSchema, graphql } from "graphql";
import { expect, test } from "vitest";
import { type Guard, guardSchema } from "./guard.ts";
import { type Identity, SERVICE, VISITOR } from "./identity.ts";

const SDL = `
  directive @policy(policies: [[String!]!]!) on OBJECT | FIELD_DEFINITION
  type Query { direct: Secret either: Either named: Named several: [[Secret]] mixed: [Either] open: Open call(of: ID!): String }
  union Either = Secret | Open
  interface Named { name: String }
  type Secret implements Named @policy(policies: [["own client"]]) { name: String }
  type Open implements Named { name: String hidden: String @policy(policies: [["own client"]]) }
`;

interface Row {
  __typename: string;
  name: string;
  hidden?: string;
}
const own: Row = { __typename: "Secret", name: "own" };
const foreign: Row = { __typename: "Secret", name: "foreign" };
const open: Row = { __typename: "Open", name: "open", hidden: "h" };

const guard: Guard<{ identity?: Identity }> = {
  rows: {
    Secret: ({ name }: Row) => ({ clientId: name === "own" ? "thies:2" : "dakar:1" }),
    Open: async ({ name }: Row) => ({ clientId: name }),
  },
  calls: {},
};
const client: Identity = { role: "client", clientId: "thies:2" };

async function ask(source: string, rootValue: object, identity: Identity = client) {
  const schema = buildSchema(SDL);
  guardSchema(schema, guard);
  const { data, errors } = await graphql({ schema, source, rootValue, contextValue: { identity } });
  return { data: JSON.parse(JSON.stringify(data)), codes: errors?.map(({ extensions }) => extensions.code) };
}

const NAME = "... on Secret { name } ... on Open { name }";

test.each([
  ["a field of its type", "{ direct { name } }", "direct"],
  ["a union", `{ either { ${NAME} } }`, "either"],
  ["an interface", "{ named { name } }", "named"],
])("what is somebody else's is not there through %s", async (_, source, field) => {
  expect((await ask(source, { [field]: own })).data).toEqual({ [field]: { name: "own" } });
  expect(await ask(source, { [field]: foreign })).toEqual({ data: { [field]: null }, codes: undefined });
  expect((await ask(source, { [field]: foreign }, VISITOR)).data).toEqual({ [field]: null });
  expect((await ask(source, { [field]: foreign }, SERVICE)).data).toEqual({ [field]: { name: "foreign" } });
});

test("nor in a list, a list of lists, or a list of several types", async () => {
  const several = [[own, foreign], Promise.resolve([foreign])];
  expect((await ask("{ several { name } }", { several })).data).toEqual({
    several: [[{ name: "own" }, null], [null]],
  });
  expect((await ask(`{ mixed { ${NAME} } }`, { mixed: [open, foreign] })).data).toEqual({
    mixed: [{ name: "open" }, null],
  });
});

test("a guarded field of a row that all may see is null, with an error", async () => {
  expect(await ask("{ open { name hidden } }", { open })).toEqual({
    data: { open: { name: "open", hidden: null } },
    codes: ["UNAUTHORIZED_FIELD"],
  });
  const mine = { ...open, name: "thies:2" };
  expect((await ask("{ open { hidden } }", { open: mine })).data).toEqual({ open: { hidden: "h" } });
});

test.each([
  ['type T @policy(policies: [["own client"]]) { a: Int } type Query { t: T }', "whose is a T?"],
  ['type T @policy(policies: [["own client"]]) { a: Int } union U = T type Query { u: U }', "whose is a T?"],
  ['type Query { q(id: ID!): Int @policy(policies: [["own client"]]) }', "whose row does Query.q name?"],
])("%s without an owner stops the start", (sdl, said) => {
  const directive = "directive @policy(policies: [[String!]!]!) on OBJECT | FIELD_DEFINITION";
  const schema = buildSchema(`${directive} ${sdl}`);
  expect(() => guardSchema(schema, { rows: {}, calls: {} })).toThrow(said);
});
