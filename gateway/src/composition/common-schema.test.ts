/**
 * Goal: the common schema offers what every partition can answer, and nothing else. Method: pairs of small
 * schemas with the expected result. common-operations.test.ts tries the rule on random operations.
 */
import { compose } from "@teranga/schema/compose.ts";
import { buildASTSchema, parse } from "graphql";
import { expect, test } from "vitest";
import { commonSchema } from "./common-schema.ts";

/** The common schema of some SDLs, and what it leaves out. */
function common(...sdls: string[]) {
  const names = ["dakar", "thies", "mbour", "autres"];
  const { sdl, omitted } = commonSchema(sdls.map((sdl, index) => ({ partition: names[index]!, sdl })));
  return { sdl: withoutSpaces(sdl), omitted: omitted.map(({ what, because }) => `${what}: ${because}`) };
}

const withoutSpaces = (sdl: string) => sdl.trim().replace(/\s+/g, " ");

function expectCommon(one: string, other: string, sdl: string, omitted: string[]) {
  expect(common(one, other)).toEqual({ sdl, omitted });
}

test("the text itself, if all serve the same", () => {
  const sdl = "type Query {\n\n a: Int }";
  expect(commonSchema(["a", "b", "c"].map((partition) => ({ partition, sdl })))).toEqual({
    sdl,
    omitted: [],
  });
});

test("words and order do not matter", () => {
  const other = 'extend type Query { "What b is." b: Int } type Query { a: Int }';
  expectCommon("type Query { a: Int b: Int }", other, "type Query { a: Int b: Int }", []);
});

test.each([
  [
    "a field that one lacks",
    "type Query { a: Int b: Int }",
    "type Query { a: Int }",
    "type Query { a: Int }",
    ["Query.b: thies does not have it"],
  ],
  [
    "a type that one lacks, with what leads to it",
    "type Query { a: Int b(at: P): T c: [T] } type T { x: Int } input P { x: Int! }",
    "type Query { a: Int b: Int }",
    "type Query { a: Int }",
    [
      "Query.b: it is T in dakar, Int in thies",
      "Query.c: thies does not have it",
      "T: thies does not have it",
      "P: thies does not have it",
    ],
  ],
  [
    "a type of another kind, with the fields of that type",
    "type Query { a: Int b: T } type T { x: Int }",
    "type Query { a: Int b: T } interface T { x: Int }",
    "type Query { a: Int }",
    ["T: it is object in dakar, interface in thies", "Query.b: its type T is left out"],
  ],
  [
    "an output, nullable if one is",
    "type Query { a: [Int!]! b: Int! c: [[Int]!]! }",
    "type Query { a: [Int]! b: Int c: [[Int!]]! }",
    "type Query { a: [Int]! b: Int c: [[Int]]! }",
    [],
  ],
  [
    "lists nested differently",
    "type Query { a: Int b: [Int] }",
    "type Query { a: Int b: Int }",
    "type Query { a: Int }",
    ["Query.b: it is [Int] in dakar, Int in thies"],
  ],
  [
    "an optional argument that one lacks",
    "type Query { a(x: Int, y: Int! = 3): Int }",
    "type Query { a: Int }",
    "type Query { a: Int }",
    ["Query.a(x:): thies does not have it", "Query.a(y:): thies does not have it"],
  ],
  [
    "a required argument that one lacks",
    "type Query { a(x: Int!): Int b: Int }",
    "type Query { a: Int b: Int }",
    "type Query { b: Int }",
    ["Query.a: its argument x is required in one place and cannot be given in another"],
  ],
  [
    "an input, required if one requires it",
    "type Query { a(x: Int, y: [Int!]): Int }",
    "type Query { a(x: Int!, y: [Int]): Int }",
    "type Query { a(x: Int!, y: [Int!]): Int }",
    [],
  ],
  [
    "a default that one has: what may be left away everywhere still may be",
    "type Query { a(x: Int, y: Int = 1, z: Int! = 1): Int }",
    "type Query { a(x: Int! = 2, y: Int = 2, z: Int!): Int }",
    "type Query { a(x: Int! = 2, y: Int, z: Int!): Int }",
    [
      "the default of Query.a(x:): it is none in dakar, 2 in thies",
      "the default of Query.a(y:): it is 1 in dakar, 2 in thies",
    ],
  ],
  [
    "an optional input field, and a required one with all that needs its type",
    "type Query { a(i: I, j: J): Int b(j: J!): Int } input I { x: Int y: Int } input J { x: Int y: Int! }",
    "type Query { a(i: I, j: J): Int b(j: J!): Int } input I { x: Int } input J { x: Int }",
    "type Query { a(i: I): Int } input I { x: Int }",
    [
      "I.y: thies does not have it",
      "J: its field y is required in one place and cannot be given in another",
      "Query.a(j:): its type J is left out",
      "Query.b: the type J of its argument j is left out",
    ],
  ],
  [
    "an enum that clients only read has all values",
    "type Query { a: E } enum E { X Y }",
    "type Query { a: E } enum E { X Z }",
    "type Query { a: E } enum E { X Y Z }",
    [],
  ],
  [
    "an enum that clients send has what all know, and no default beyond",
    "type Query { a(e: E = Y, f: E! = Y): E } enum E { X Y }",
    "type Query { a(e: E = Y, f: E! = Y): E } enum E { X Z Y }"
      .replace(" Y }", " }")
      .replaceAll("= Y", "= X"),
    "type Query { a(e: E, f: E!): E } enum E { X }",
    [
      "the default of Query.a(e:): it is Y in dakar, X in thies",
      "the default of Query.a(f:): it is Y in dakar, X in thies",
      "E.Y: thies does not have it",
      "E.Z: dakar does not have it",
    ],
  ],
  [
    "an enum whose only common use is an answer has all values",
    "type Query { a(e: E): E } enum E { X Y }",
    "type Query { a: E } enum E { X }",
    "type Query { a: E } enum E { X Y }",
    ["Query.a(e:): thies does not have it"],
  ],
  [
    "members of a union, and a union of nothing",
    "type Query { u: U v: V a: A b: B } union U = A | B union V = A type A { x: Int } type B { x: Int }",
    "type Query { u: U v: V a: A b: B } union U = B union V = B type A { x: Int } type B { x: Int }",
    "type Query { u: U a: A b: B } union U = B type A { x: Int } type B { x: Int }",
    [
      "U = A: thies does not have it",
      "V = A: thies does not have it",
      "V = B: dakar does not have it",
      "V: nothing is left of it",
      "Query.v: its type V is left out",
    ],
  ],
  [
    "a field of an interface goes if an object has lost its own",
    "type Query { i: I } interface I { x: Int y: J } type A implements I { x: Int y: B } interface J { z: Int } type B implements J { z: Int } type C implements J { z: Int }",
    "type Query { i: I } interface I { x: Int y: J } type A implements I { x: Int y: C } interface J { z: Int } type B implements J { z: Int } type C implements J { z: Int }",
    "type Query { i: I } interface I { x: Int } type A implements I { x: Int } interface J { z: Int } type B implements J { z: Int } type C implements J { z: Int }",
    ["A.y: it is B in dakar, C in thies", "I.y: A.y is left out"],
  ],
  [
    "an interface that one does not implement",
    "type Query { i: I } interface I { x: Int } type A implements I { x: Int }",
    "type Query { i: I } interface I { x: Int } type A { x: Int }",
    "type Query { i: I } interface I { x: Int } type A { x: Int }",
    ["A implements I: thies does not have it"],
  ],
  [
    "keys that all have, as far as their fields are there",
    'type Query { a: A } type A @key(fields: "id") @key(fields: "x y") @key(fields:"z") { id: ID x: Int y: Int z: Int }',
    'type Query { a: A } type A @key(fields: " id ") @key(fields: "x,y") { id: ID x: Int z: Int }',
    'type Query { a: A } type A @key(fields: "id") { id: ID x: Int z: Int }',
    [
      'A @key(fields: "z"): thies does not have it',
      "A.y: thies does not have it",
      "A @key: a field that it names is left out",
    ],
  ],
  [
    "a hint for caches, if one instance has it: what is kept, each answer says",
    "type Query { a: Int b: Int @cacheControl(maxAge: 60) } type T @cacheControl(maxAge: 5) { x: Int }",
    "type Query { a: Int @cacheControl(maxAge: 9) b: Int } type T { x: Int }",
    "type Query { a: Int @cacheControl(maxAge: 9) b: Int @cacheControl(maxAge: 60) } type T @cacheControl(maxAge: 5) { x: Int }",
    [],
  ],
  [
    "directives that do not agree, and those that one partition is enough for",
    'type Query { a: Int @external b: Int @deprecated c: Int @tag(name: "x") d(x: Int @foo): Int }',
    'type Query { a: Int b: Int c: Int @tag(name: "y") @inaccessible d(x: Int): Int }',
    'type Query { b: Int @deprecated c: Int @tag(name: "x") @tag(name: "y") @inaccessible d: Int }',
    [
      "Query.a: it is @external in dakar, without @external in thies",
      "Query.d(x:): it is @foo in dakar, without @foo in thies",
    ],
  ],
  [
    "what needs a field that is left out, and an external field that nothing needs any more",
    'type Query { t: T } type T { x: Int @external y: Int @external a: Int @requires(fields: "x y") b: T @provides(fields: "y") c: Int }',
    'type Query { t: T } type T { x: Int @external a: Int @requires(fields: "x y") b: T @provides(fields: "y") c: Int }',
    "type Query { t: T } type T { b: T c: Int }",
    ["T.y: thies does not have it", "T.a: what its @requires names is left out"],
  ],
  [
    "a directive that clients write, which one lacks",
    "type Query { a: Int } directive @shout on FIELD directive @note on OBJECT",
    "type Query { a: Int }",
    "directive @note on OBJECT type Query { a: Int }",
    ["@shout: thies does not have it"],
  ],
] as const)("%s", (_name, one, other, sdl, omitted) => {
  expectCommon(one, other, sdl, [...omitted]);
});

test("many partitions are counted", () => {
  const served = ["a", "b", "c", "d", "e", "f"].map((partition, index) => ({
    partition,
    sdl: `type Query { a: Int ${index === 2 ? "b: Int" : ""} }`,
  }));
  expect(commonSchema(served).omitted).toEqual([
    { what: "Query.b", because: "a, b, d and 2 more do not have it" },
  ]);
});

const LINKED = (federation: string, imports: string) => `extend schema
  @link(url: "https://specs.apollo.dev/federation/${federation}", import: [${imports}])
  @link(url: "https://teranga.dev/partition/v1.0", import: ["@partition"]) @composeDirective(name: "@partition")
  directive @partition(by: String!) on OBJECT | FIELD_DEFINITION\n`;

test("the newest version of a linked spec, with all that is imported of it; and it composes", () => {
  const one = `${LINKED("v2.9", '"@key", "@composeDirective"')} type Query { a(id: ID!): A @partition(by: "id") }
    type A @key(fields: "id") { id: ID! }`;
  const other = `${LINKED("v2.12", '"@key", "@composeDirective", "@shareable"')}
    type Query { a(id: ID!): A @partition(by: "id") } type A @key(fields: "id") { id: ID! x: Int @shareable }`;
  const { sdl } = commonSchema([
    { partition: "dakar", sdl: one },
    { partition: "thies", sdl: other },
  ]);
  expect(sdl).toContain(
    '@link(url: "https://specs.apollo.dev/federation/v2.12", import: ["@key", "@composeDirective", "@shareable"])',
  );
  expect(compose([{ name: "city", url: "", sdl }]).supergraphSdl).toContain("@partition(by:");
});

test("a field whose routing value cannot be given any more", () => {
  const sdl = (town: string) => `${LINKED("v2.12", '"@key", "@composeDirective"')}
    type Query { a(at: P): Int @partition(by: "at.town") b(x: ID!): Int @partition(by: "x") } input P { ${town} }`;
  expect(common(sdl("town: ID country: ID"), sdl("country: ID")).omitted).toEqual([
    "P.town: thies does not have it",
    "Query.a: what its @partition names is left out",
  ]);
});

test.each([
  [
    "a directive with two meanings",
    "directive @a(x: Int) on OBJECT type Query { a: Int }",
    "directive @a on OBJECT type Query { a: Int }",
    "dakar and thies define @a differently",
  ],
  [
    "names of the root types",
    "schema { query: Q } type Q { a: Int }",
    "type Query { a: Int } type Q { a: Int }",
    "the partitions name their root types differently",
  ],
  [
    "names of what is imported",
    LINKED("v2.9", '"@key"'),
    LINKED("v2.9", '{ name: "@key", as: "@k" }'),
    "the partitions import @key of https://specs.apollo.dev/federation under different names",
  ],
  ["no SDL", "type Query { a: Int }", "<html>", "the SDL of thies is none: Syntax Error"],
])("no schema can serve both: %s", (_name, one, other, message) => {
  expect(() => common(one, other)).toThrow(message);
});

test("the result is a schema", () => {
  const result = common(
    "type Query { a(x: [Int!]! = [1]): A } type A implements I { x: Int } interface I { x: Int } scalar S",
    "type Query { a(x: [Int!]! = [1], y: Int): A } type A implements I { x: Int y: S } interface I { x: Int y: S } scalar S",
  );
  expect(Object.keys(buildASTSchema(parse(result.sdl)).getTypeMap())).toContain("I");
});
