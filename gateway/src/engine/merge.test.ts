/** Goal: what is joined at one place changes nothing at another. Method: objects that share what lies below them. */
import { expect, test } from "vitest";
import type { JsonObject } from "../answer.ts";
import { copyJson, mergeInto } from "./merge.ts";

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

test("an object that stands at two places is not changed by what comes to one of them", () => {
  const shared = { size: { width: 1 }, list: [{ a: 1 }] };
  const one: JsonObject = { id: "1" };
  const other: JsonObject = { id: "2" };
  mergeInto(one, shared);
  mergeInto(other, shared);
  mergeInto(one, { size: { height: 2 }, list: [{ b: 2 }] });
  expect(one).toEqual({ id: "1", size: { width: 1, height: 2 }, list: [{ a: 1, b: 2 }] });
  expect(other).toEqual({ id: "2", ...shared });
  expect(shared).toEqual({ size: { width: 1 }, list: [{ a: 1 }] });
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
