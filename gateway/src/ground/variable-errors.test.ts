/**
 * Goal: variables that do not fit are refused with short errors, whatever they are. Method: single values.
 */
import { buildSchema, type OperationDefinitionNode, parse } from "graphql";
import { expect, test } from "vitest";
import { variableErrors } from "./variable-errors.ts";

const schema = buildSchema(`
  type Query { find(filter: Filter): Int }
  input Filter { and: [Filter] not: Filter name: String least: Int! = 1 }
  enum Colour { OCHRE }
  scalar Any
`);

function errorsOf(definition: string, given: Record<string, unknown>) {
  const [operation] = parse(`query (${definition}) { find }`).definitions;
  const { variableDefinitions } = operation as OperationDefinitionNode;
  const errors = variableErrors(schema, variableDefinitions!, given);
  for (const { extensions } of errors) expect(extensions).toEqual({ code: "BAD_USER_INPUT" });
  expect(JSON.stringify(errors).length).toBeLessThan(8_000);
  return errors.map(({ message }) => message);
}

/** A value with this many levels. */
function nested(levels: number): unknown {
  let value: unknown = {};
  for (let level = 1; level < levels; level++) value = level % 2 === 0 ? { not: value } : { and: [value] };
  return value;
}

test.each<[definition: string, given: Record<string, unknown>]>([
  ["$f: Filter", {}],
  ["$f: Filter", { f: null }],
  ["$f: Filter", { f: { name: "a", not: { and: [{ least: 2 }] } } }],
  ["$n: Int! = 3", {}],
  ["$c: [Colour!]", { c: "OCHRE" }],
])("%s takes %j", (definition, given) => {
  expect(errorsOf(definition, given)).toEqual([]);
});

test.each<[definition: string, given: Record<string, unknown>, message: string]>([
  ["$f: Filter!", {}, 'Variable "$f" of required type "Filter!" was not provided.'],
  ["$f: Filter!", { f: null }, 'Variable "$f" of non-null type "Filter!" must not be null.'],
  [
    "$f: Filter",
    { f: { not: { nam: 1 } } },
    'Variable "$f" got invalid value at "f.not"; Field "nam" is not defined by type "Filter".',
  ],
  [
    "$c: Colour",
    { c: "OCHR" },
    'Variable "$c" got invalid value; Value "OCHR" does not exist in "Colour" enum.',
  ],
  ...[JSON.parse("1e400"), { a: [JSON.parse("-1e400")] }].map(
    (v): [string, Record<string, unknown>, string] => [
      "$v: Any",
      { v },
      'Variable "$v" holds a number that is too large for JSON here; send it as a string.',
    ],
  ),
])("%s refuses what does not fit", (definition, given, message) => {
  expect(errorsOf(definition, given)).toEqual([message]);
});

test("many and long errors are few and short", () => {
  const long = "x".repeat(100_000);
  const names = Array.from({ length: 50_000 }, (_, at) => `unknown${at}`);
  for (const [definition, value] of [
    ["$v: Filter", Object.fromEntries(names.map((name) => [name, long.slice(0, 10)]))],
    ["$v: Filter", { [long]: 1, [`${long}2`]: 2 }],
    ["$v: [Int]", names],
    ["$v: [Colour]", Array.from({ length: 200 }, () => long)],
    ["$v: String", { [long]: long }],
    ["$v: Filter", long],
  ] as const) {
    expect(errorsOf(definition, { v: value }).length).toBeGreaterThan(0);
  }
  const definitions = names.slice(0, 100).map((name) => `$${name}: Int!`);
  expect(errorsOf(definitions.join(), {})).toHaveLength(11);
});

test("what is nested deeper than anybody needs is refused, unless nobody looks at it", () => {
  expect(errorsOf("$f: Filter", { f: nested(30), other: nested(10_000) })).toEqual([]);
  expect(errorsOf("$f: Filter", { f: nested(10_000) })).toEqual([
    'Variable "$f" is nested deeper than 100 levels.',
  ]);
});
