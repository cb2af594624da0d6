import { expect, test } from "vitest";
import { isClientError } from "./errors.ts";

test.each<[Record<string, unknown> | undefined, boolean]>([
  [{ code: "BAD_USER_INPUT", field: "a" }, true],
  [{ code: "UNKNOWN_CITY", city: "x" }, true],
  [{ code: "UNKNOWN_BRANCH", branch: "x" }, true],
  [{ code: "BRANCH_UNAVAILABLE", branch: "x" }, true],
  [{ code: "WRONG_BRANCH", city: "x" }, false],
  [{ code: "UNKNOWN_ERROR" }, false],
  [{ code: "INTERNAL_SERVER_ERROR" }, false],
  [{ code: "constructor" }, false],
  [{ code: "ECONNREFUSED" }, false],
  [{ code: 5 }, false],
  [{}, false],
  [undefined, false],
])("%j is for clients: %s", (extensions, expected) => {
  expect(isClientError(extensions)).toBe(expected);
});
