/** Goal: a refused literal is named, as a refused variable is. Method: graphql-js validates and coerces. */
import { buildASTSchema, parse, validate } from "graphql";
import { expect, test } from "vitest";
import { Amount, DateTime } from "./scalars.ts";

const parsed = buildASTSchema(
  parse("scalar Amount scalar DateTime type Query { pay(amount: Amount, at: DateTime): Int }"),
);
for (const scalar of [Amount, DateTime])
  Object.assign(parsed.getType(scalar.name)!, { parseLiteral: scalar.parseLiteral });

test.each([
  ["amount: 1.5", "Amount 1.5 must be a whole number between -(2^53 - 1) and 2^53 - 1"],
  ['amount: "x"', 'Amount "x" must be a whole number between -(2^53 - 1) and 2^53 - 1'],
  ["at: 7", "DateTime 7 must be an ISO 8601 instant such as 2026-01-31T12:00:00Z"],
])("%s", (argument, message) => {
  const errors = validate(parsed, parse(`{ pay(${argument}) }`));
  expect(errors.map((error) => [error.message, error.extensions.code])).toEqual([
    [message, "BAD_USER_INPUT"],
  ]);
});
