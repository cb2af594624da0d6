import { expect, test } from "vitest";
import { limitErrors, takenErrors } from "./service-errors.ts";

const errors = (count: number, message: string) =>
  Array.from({ length: count }, (_, index) => ({ message, path: [message, index] }));

test("each kind is limited by itself, in the errors' order", () => {
  const limited = limitErrors([...errors(250, "a"), ...errors(101, "b"), ...errors(3, "c")]);
  expect(limited).toHaveLength(100 + 100 + 3 + 1 + 1);
  expect(limited.slice(-2)).toEqual([
    { message: "a", path: ["a", 100], extensions: { notListed: 150 } },
    { message: "b", path: ["b", 100] },
  ]);
});

test("what has been limited is limited again, and nothing is lost of the number", () => {
  const part = limitErrors(errors(300, "a"));
  const whole = limitErrors([...part, ...part, ...part]);
  expect(whole).toHaveLength(101);
  expect(whole.at(-1)).toEqual({ message: "a", path: ["a", 100], extensions: { notListed: 800 } });
});

test("kinds without number are limited together", () => {
  const many = Array.from({ length: 10_000 }, (_, index) => ({ message: `row ${index}` }));
  expect(limitErrors(many)).toHaveLength(10 + 100 + 1);
});

test("stacks do not pass", () => {
  const extensions = {
    code: "A",
    stacktrace: ["at x"],
    exception: { stacktrace: [] },
    http: { status: 500 },
  };
  expect(takenErrors([{ message: "m", extensions }, { message: "n" }])).toEqual([
    { message: "m", extensions: { code: "A" } },
    { message: "n" },
  ]);
});

test("what an error says is bounded, as it may be said at many places", () => {
  const long = "x".repeat(100_000);
  const [error] = takenErrors([{ message: long, extensions: { code: "ODD", more: long } }]);
  expect(error!.message).toHaveLength(1_001);
  expect(error!.extensions).toEqual({ code: "ODD" });
});

test("a path that is longer than any answer is deep is none", () => {
  const path = Array.from({ length: 10_000 }, () => "x");
  expect(takenErrors([{ message: "m", path }])).toEqual([{ message: "m" }]);
});

test("a path of null is none", () => {
  const errors = [{ message: "m", path: null }] as unknown as Parameters<typeof takenErrors>[0];
  expect(takenErrors(errors)).toEqual([{ message: "m" }]);
});
