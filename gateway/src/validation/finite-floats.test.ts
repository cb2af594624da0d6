/** Goal: a Float that no double holds is refused wherever it is written. Method: single documents. */
import { buildSchema, parse, validate } from "graphql";
import { expect, test } from "vitest";
import { finiteFloatsRule } from "./finite-floats.ts";

const schema = buildSchema(`
  scalar Any
  directive @hint(by: Float) on FIELD
  type Query { f(x: Float, xs: [Float!], in: In, any: Any): Int }
  input In { x: Float! = 1 in: In }
`);
const digits = "9".repeat(400);

test.each([
  ["{ f(x: 1e308, xs: -1e308, any: 1e400) }", 0],
  [`{ f(x: 1e-400, any: { x: ${digits} }) }`, 0],
  ["{ f(x: 1e400) }", 1],
  [`{ f(x: -${digits}) }`, 1],
  ["{ f(xs: [1, 1e400, -1e400]) }", 2],
  ["{ f(in: { in: { x: 1e400 } }) @hint(by: 1e400) }", 2],
  ["query ($x: Float = 1e400, $in: In = { x: 1e400 }) { f(x: $x, in: $in) }", 2],
])("%s", (text, count) => {
  const errors = validate(schema, parse(text), [finiteFloatsRule]);
  expect(errors).toHaveLength(count);
  for (const { message } of errors) expect(message).toContain("Float cannot represent the number: ");
});
