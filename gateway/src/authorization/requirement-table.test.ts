/**
 * Goal: what is asked for a field follows from everything that its value may tell. Method: supergraphs as the
 * present composition makes them, and with what older ones left to the gateway.
 */
import { compose } from "@teranga/schema/compose.ts";
import { expect, test } from "vitest";
import { readSupergraph } from "../ground/supergraph.ts";
import { imply } from "./alternatives.ts";
import { requirementTableOf } from "./requirement-table.ts";

const LINK = (names: string) => `extend schema @link(url: "https://specs.apollo.dev/federation/v2.12", import:
  ["@key", "@external", "@requires", "@shareable", "@inaccessible", "@interfaceObject", ${names}])`;
const PLAIN = '"@authenticated", "@requiresScopes", "@policy"';

function tableOf(subgraphs: Record<string, string>, { names = PLAIN, edit = (sdl: string) => sdl } = {}) {
  const sdls = Object.entries(subgraphs).map(([name, sdl]) => ({ name, url: "", sdl: LINK(names) + sdl }));
  const table = requirementTableOf(readSupergraph(edit(compose(sdls).supergraphSdl)));
  /** `@policy a|b&c`, for each that is asked. */
  return (coordinate: string) => {
    const [type, field] = coordinate.split(".") as [string, string];
    const told = table.of(type, field).map((number) => {
      const asked = table.all[number]!;
      const words = "anyOf" in asked ? ` ${asked.anyOf.map((all) => all.join("&")).join("|")}` : "";
      return `@${asked.directive}${words}`;
    });
    return told.sort();
  };
}

test("all of a field's type, the field and its value", () => {
  const of = tableOf({
    one: `type Query @authenticated { a: A @requiresScopes(scopes: [["x"], ["y", "z"]]) free: Int }
      type A @policy(policies: [["p"]]) { id: ID b: Int @authenticated }`,
  });
  expect(of("Query.a")).toEqual(["@authenticated", "@policy p", "@requiresScopes x|y&z"]);
  expect(of("Query.free")).toEqual(["@authenticated"]);
  expect(of("A.id")).toEqual(["@policy p"]);
  expect(of("A.b")).toEqual(["@authenticated", "@policy p"]);
  expect(of("A.__typename")).toEqual(["@policy p"]);
  expect([of("Query.__schema"), of("Nothing.a"), of("A.nothing")]).toEqual([[], [], []]);
});

test.each([
  [
    "imported under other names",
    `{ name: "@authenticated", as: "@in" }, { name: "@policy", as: "@rule" }`,
    "@in",
    "@rule",
  ],
  ["not imported", `"@tag"`, "@federation__authenticated", "@federation__policy"],
])("the directives %s", (_, names, authenticated, policy) => {
  const sdl = `type Query { a: Int ${authenticated} b: Int ${policy}(policies: [["p"]]) }`;
  const of = tableOf({ one: sdl }, { names });
  expect([of("Query.a"), of("Query.b")]).toEqual([["@authenticated"], ["@policy p"]]);
});

test("a link's own name, which supergraphs may give", () => {
  const edit = (sdl: string) =>
    sdl
      .replace('authenticated/v0.1", for: SECURITY', 'authenticated/v0.1", as: "signed", for: SECURITY')
      .replaceAll(/@authenticated\b/g, "@signed");
  expect(tableOf({ one: "type Query { a: Int @authenticated }" }, { edit })("Query.a")).toEqual([
    "@authenticated",
  ]);
});

test("several subgraphs ask together", () => {
  const of = tableOf({
    one: `type Query { a: A } type A @key(fields: "id") { id: ID! b: Int @shareable @policy(policies: [["p"], ["q"]]) }`,
    two: `type A @key(fields: "id") { id: ID! b: Int @shareable @policy(policies: [["r"]]) }`,
  });
  expect(of("A.b")).toEqual(["@policy p&r|q&r"]);
});

const ON_INTERFACE = `type Query { node: Node }
  interface Node { id: ID! name: String }
  type One implements Node { id: ID! name: String @authenticated secret: Int }
  type Two implements Node @policy(policies: [["p"]]) { id: ID! name: String }`;

test("an interface asks what all of its types ask, and its types ask for themselves", () => {
  const of = tableOf({ one: ON_INTERFACE });
  expect(of("Node.name")).toEqual(["@authenticated", "@policy p"]);
  expect(of("One.name")).toEqual(["@authenticated"]);
  expect(of("Two.name")).toEqual(["@policy p"]);
  expect(of("One.id")).toEqual([]);
});

test("what an older composition took on an interface holds for its types", () => {
  const edit = (sdl: string) => sdl.replace(/id: ID!/, 'id: ID! @requiresScopes(scopes: [["x"]])');
  const of = tableOf(
    { one: `${ON_INTERFACE} extend type Query { any: Int @requiresScopes(scopes: [["y"]]) }` },
    { edit },
  );
  expect(of("Node.id")).toContain("@requiresScopes x");
  expect(of("One.id")).toEqual(["@requiresScopes x"]);
  expect(of("Two.id")).toEqual(["@policy p", "@requiresScopes x"]);
  expect(of("One.secret")).toEqual([]);
});

const REQUIRING = {
  one: `type Query { a: A } interface I { e: Int }
    type A @key(fields: "id") { id: ID! b: B hidden: Int @inaccessible @authenticated }
    type B implements I @shareable { c: Int @policy(policies: [["p"]]) e: Int @requiresScopes(scopes: [["s"]]) }`,
  two: `type A @key(fields: "id") {
      id: ID! b: B @external hidden: Int @external
      one: Int @requires(fields: "b { c ... on I { e } }") @policy(policies: [["p"]]) @requiresScopes(scopes: [["s"]])
      two: Int @requires(fields: "hidden") @authenticated }
    interface I { e: Int } type B implements I @shareable { c: Int @policy(policies: [["p"]]) e: Int @requiresScopes(scopes: [["s"]]) }`,
  three: `type A @key(fields: "id") { id: ID! two: Int @external three: Int @requires(fields: "two") @authenticated }`,
};

test("a field asks what is asked of all that it requires, which older compositions did not check", () => {
  const edit = (sdl: string) =>
    sdl.replaceAll(/^( +(?:one|two|three): Int.*?) @(?:authenticated|policy|requiresScopes)\b.*$/gm, "$1");
  const of = tableOf(REQUIRING, { edit });
  expect(of("A.one")).toEqual(["@policy p", "@requiresScopes s"]);
  expect(of("A.two")).toEqual(["@authenticated"]);
  expect(of("A.three")).toEqual(["@authenticated"]);
  expect(of("A.b")).toEqual([]);
});

test("the field of an interface object asks for each of its types", () => {
  const sdls = {
    one: `type Query { node: Node } interface Node @key(fields: "id") { id: ID! name: String }
      type One implements Node @key(fields: "id") { id: ID! name: String @authenticated }`,
    two: `type Node @key(fields: "id") @interfaceObject { id: ID! name: String @external shelf: Int row: Int @policy(policies: [["p"]])
      label: Int @requires(fields: "name") @authenticated }`,
  };
  const of = tableOf(sdls, { edit: (sdl) => sdl.replaceAll(/(label: Int.*?) @authenticated/g, "$1") });
  expect([of("One.shelf"), of("One.row"), of("Node.row")]).toEqual([[], ["@policy p"], ["@policy p"]]);
  expect([of("One.label"), of("Node.label")]).toEqual([["@authenticated"], ["@authenticated"]]);
});

test.each([
  [[[["a"]]], [["a"], ["b"]], true],
  [[[["a"], ["b"]]], [["a"]], false],
  [[[["a"], ["b"]], [["c"]]], [["c", "a"], ["b"]], true],
  [[], [["a"]], false],
  [
    [Array.from({ length: 20 }, (_, at) => [`a${at}`]), Array.from({ length: 20 }, (_, at) => [`b${at}`])],
    [["a0"]],
    false,
  ],
])("%j implies %j: %s", (given, wanted, implied) => {
  const policy = (anyOf: readonly (readonly string[])[]) => ({ directive: "policy", anyOf }) as const;
  expect(imply(given.map(policy), policy(wanted))).toBe(implied);
});
