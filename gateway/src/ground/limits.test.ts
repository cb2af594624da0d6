/**
 * Goal: an operation one beyond a limit is refused with the figures, and one at the limit is accepted.
 * Method: the rules alone.
 */
import { buildSchema, GraphQLError, getIntrospectionQuery, parse, validate } from "graphql";
import { describe, expect, test } from "vitest";
import { createSizeRule } from "../validation/size-rule.ts";
import { charactersMaxOf, DEFAULT_LIMITS, FIELDS_MAX, LIMIT_CODE, tokensExceeded } from "./limits.ts";

const schema = buildSchema("type Query { a: Query b: Int }");
const LIMITS = { ...DEFAULT_LIMITS, depthMax: 4, aliasesMax: 3, rootFieldsMax: 5 };

const refusals = (document: string) => validate(schema, parse(document), [createSizeRule(LIMITS)]);
const extensionsOf = (document: string) => refusals(document).map(({ extensions }) => extensions);

describe.each([
  ["depth", "{ a { a { a { b } } } }", "{ a { a { a { a { b } } } } }", 5, 4],
  [
    "depth",
    "{ ...f } fragment f on Query { a { a { a { b } } } }",
    "{ ...f } fragment f on Query { a { a { a { a { b } } } } }",
    5,
    4,
  ],
  ["aliases", "{ x: b y: b z: b }", "{ x: b y: b a { z: b w: b } }", 4, 3],
  [
    "aliases",
    "{ a { ...f } } fragment f on Query { x: b }",
    "{ a { ...f } a { ...f } ...f ...f } fragment f on Query { x: b }",
    4,
    3,
  ],
  ["rootFields", "{ b b b b b }", "{ b b b b ... on Query { b b } }", 6, 5],
  [
    "rootFields",
    "{ ...f b } fragment f on Query { b b }",
    "{ ...f ...f b b } fragment f on Query { b b }",
    6,
    5,
  ],
  [
    "nesting",
    `{ ${"... { ".repeat(10)} b ${"}".repeat(10)} }`,
    `{ ${"... { ".repeat(12)} b ${"}".repeat(12)} }`,
    13,
    12,
  ],
])("%s", (limit, allowed, refused, actual, max) => {
  test(`${max} are allowed`, () => expect(refusals(allowed)).toEqual([]));
  test(`${actual} are refused`, () => {
    const [error, ...others] = refusals(refused);
    expect(others).toEqual([]);
    expect(error!.extensions).toMatchObject({ code: LIMIT_CODE, limit, actual, allowed: max });
    expect(error!.message).toMatch(new RegExp(`\\b${actual}\\b.*; ${max} are allowed\\.$`));
  });
});

describe("with its fragments, each wherever it is spread, an operation is twice as much as a document at most", () => {
  const told = (document: string) =>
    validate(schema, parse(document), [createSizeRule({ ...LIMITS, tokensMax: 11 })]).map(
      ({ extensions: { limit, actual, allowed } }) => [limit, actual, allowed],
    );

  test("tokens", () => {
    const fragment = "fragment f on Query { b # is a number\n b }";
    expect(told(`{ ...f ...f } ${fragment}`)).toEqual([]);
    expect(told(`{ ...f ...f b } ${fragment}`)).toEqual([["expandedTokens", 23, 22]]);
  });

  test("characters", () => {
    const max = charactersMaxOf({ tokensMax: 11 });
    const fragmentOf = (length: number) => `${"fragment f on Query { b".padEnd(length - 1)}}`;
    expect(told(`{ ...f ...f } ${fragmentOf(max - 7)}`)).toEqual([]);
    expect(told(`{ ...f ...f } ${fragmentOf(max - 6)}`)).toEqual([
      ["expandedCharacters", 2 * max + 1, 2 * max],
    ]);
  });
});

test("fragments that multiply are counted, not expanded", () => {
  const fragments = Array.from(
    { length: 40 },
    (_, level) => `fragment f${level} on Query { ...f${level + 1} ... { ...f${level + 1} } }`,
  );
  const bomb = `{ ...f0 } ${fragments.join(" ")} fragment f40 on Query { b }`;
  const startMs = performance.now();
  const limits = { ...LIMITS, depthMax: 1_000 };
  const [error] = validate(schema, parse(bomb), [createSizeRule(limits)]);
  expect(performance.now() - startMs).toBeLessThan(500);
  expect(error!.extensions).toMatchObject({ limit: "fields", actual: 2 ** 40, allowed: FIELDS_MAX });
});

test("a fragment that contains itself ends", () => {
  expect(refusals("{ ...f } fragment f on Query { a { ...f } }")).toEqual([]);
});

test("each operation of a document is measured", () => {
  expect(extensionsOf("query A { b } query B { a { a { a { a { b } } } } }")).toMatchObject([{ actual: 5 }]);
});

test("introspection is within the limits that are usual", () => {
  const rule = createSizeRule(DEFAULT_LIMITS);
  expect(validate(schema, parse(getIntrospectionQuery()), [rule])).toEqual([]);
});

describe("tokens", () => {
  const parseError = (document: string, maxTokens: number): unknown => {
    try {
      parse(document, { maxTokens });
      return undefined;
    } catch (error) {
      return error;
    }
  };
  const refusal = (document: string) => tokensExceeded(parseError(document, 10), 10);

  test("ten are allowed, comments and commas aside", () => {
    expect(parseError("{ a, b, c, d, # one\n e f g h } # eleven\n", 10)).toBeUndefined();
  });
  test("eleven are refused", () => {
    expect(refusal("{ a b c d e f g h i }")!.extensions).toMatchObject({
      code: LIMIT_CODE,
      limit: "tokens",
      actual: 11,
      allowed: 10,
    });
  });
  test.each(["{ a b c d e f g h ", "{ a b }}", "{ a ~ }", "{ a b c d e f g h ~ }", '{ a(b: "', "{"])(
    "%s is something else",
    (document) => {
      expect(parseError(document, 10)).toBeInstanceOf(GraphQLError);
      expect(refusal(document)).toBeUndefined();
    },
  );
  test("so is an error of another kind", () => {
    expect(tokensExceeded(new RangeError("Maximum call stack size exceeded"), 10)).toBeUndefined();
  });
});
