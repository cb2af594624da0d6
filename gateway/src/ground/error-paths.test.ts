import { expect, test } from "vitest";
import { completionErrors, visibleErrors } from "./error-paths.ts";

const data = { product: { name: "HP", stock: [{ available: 8 }, { available: null }, null] } };
const error = (...path: (string | number)[]) => ({
  message: "down",
  path,
  extensions: { code: "CITY_UNAVAILABLE" },
});

test.each([
  ["a path in the answer stays", ["product", "stock", 1, "available"], ["product", "stock", 1, "available"]],
  ["a path below a null stays", ["product", "stock", 2, "available"], ["product", "stock", 2, "available"]],
  [
    "a path of a field that was not asked for is cut",
    ["product", "stockEverywhere", 1, "available"],
    ["product"],
  ],
  ["a path of a root field that was not asked for is cut to nothing", ["other", "id"], []],
])("%s", (_name, path, visible) => {
  expect(visibleErrors([error(...path)], data)).toEqual([error(...visible)]);
});

test("what is said of several hidden fields is said once; what differs stays", () => {
  const other = { ...error("product"), message: "also down" };
  const errors = [error("product", "stockEverywhere", 1), error("product", "stockEverywhere", 2), other];
  expect(visibleErrors(errors, data)).toEqual([error("product"), other]);
});

test("an error without a path stays as it is, and so do all if there is no data", () => {
  const plain = { message: "no" };
  expect(visibleErrors([plain, error("a", "b")], undefined)).toEqual([plain, error("a", "b")]);
});

test("values that do not fit become errors in our words, at their places", () => {
  const misfits = [{ path: ["product", 0] }, { path: [] }];
  const extensions = { code: "INTERNAL_SERVER_ERROR" };
  expect(completionErrors(misfits)).toEqual([
    { message: expect.any(String), path: ["product", 0], extensions },
    { message: expect.any(String), path: [], extensions },
  ]);
});
