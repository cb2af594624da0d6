/**
 * Goal: the cases of the public audit are judged as its own runner judges them. Method: cases made by hand;
 * `npm run audit` runs the real ones.
 */
import { tmpdir } from "node:os";
import { expect, test } from "vitest";
import { fits, openPublicSuite } from "./public-suite.ts";

test.each([
  { answer: { data: { a: 1, b: [2] } }, expected: { data: { b: [2], a: 1 } }, passes: true },
  { answer: { data: { a: 1 } }, expected: { data: { a: 2 } }, passes: false },
  { answer: { data: { a: [1, 2] } }, expected: { data: { a: [2, 1] } }, passes: false },
  // Errors count only if the case states whether there are any.
  {
    answer: { data: { a: null }, errors: [{ message: "x" }] },
    expected: { data: { a: null } },
    passes: true,
  },
  {
    answer: { data: { a: null }, errors: [{ message: "x" }] },
    expected: { data: { a: null }, errors: false },
    passes: false,
  },
  { answer: { data: { a: null } }, expected: { data: { a: null }, errors: true }, passes: false },
  { answer: { errors: [{ message: "x" }] }, expected: { data: null, errors: true }, passes: true },
  { answer: {}, expected: { data: { a: 1 } }, passes: false },
])("$answer for $expected: $passes", ({ answer, expected, passes }) => {
  expect(fits(answer, expected)).toBe(passes);
});

test("a folder that is no checkout is refused in one line", async () => {
  await expect(openPublicSuite(tmpdir())).rejects.toThrow("run npm install in a checkout of the audit");
});
