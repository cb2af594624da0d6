/**
 * Goal: what several fetches bring of one object is merged. Method: objects with all kinds of JSON values.
 */
import { expect, test } from "vitest";
import type { JsonObject } from "../ground/answer.ts";
import { copyJson } from "../ground/answer.ts";
import { mergeInto } from "./answer.ts";

test("members of both are joined at every depth, the later value counts", () => {
  const target: JsonObject = { id: "1", size: { width: 1 }, list: [{ a: 1 }, null], gone: null, text: "old" };
  mergeInto(target, {
    name: "x",
    size: { height: 2 },
    list: [{ b: 2 }, { c: 3 }],
    gone: { d: 4 },
    text: "new",
  });
  expect(target).toEqual({
    id: "1",
    name: "x",
    size: { width: 1, height: 2 },
    list: [{ a: 1, b: 2 }, { c: 3 }],
    gone: { d: 4 },
    text: "new",
  });
});

test("what is joined stays where it is: a branch of the plan may be about to put something into it", () => {
  const size = { width: 1 };
  const element = { a: 1 };
  const target: JsonObject = { size, list: [element] };
  mergeInto(target, { size: { height: 2 }, list: [{ b: 2 }] });
  expect(target.size).toBe(size);
  expect((target.list as unknown[])[0]).toBe(element);
  expect(size).toEqual({ width: 1, height: 2 });
  expect(element).toEqual({ a: 1, b: 2 });
  // Merging an object with itself changes nothing.
  mergeInto(target, { size, list: [element] });
  expect(target).toEqual({ size: { width: 1, height: 2 }, list: [{ a: 1, b: 2 }] });
});

test("names that objects inherit are members like any other", () => {
  const received = JSON.parse('{ "__proto__": { "a": 1 }, "constructor": { "b": 2 }, "toString": "t" }');
  const target: JsonObject = {};
  mergeInto(target, received);
  mergeInto(target, JSON.parse('{ "__proto__": { "c": 3 }, "constructor": { "d": 4 } }'));
  expect(JSON.stringify(target)).toBe(
    '{"__proto__":{"a":1,"c":3},"constructor":{"b":2,"d":4},"toString":"t"}',
  );
  expect(Object.getPrototypeOf(target)).toBe(Object.prototype);
  const copy = copyJson(received) as JsonObject;
  expect(JSON.stringify(copy)).toBe(JSON.stringify(received));
  expect(Object.getPrototypeOf(copy)).toBe(Object.prototype);
});
