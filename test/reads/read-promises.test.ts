/** Goal: the checker of reads refuses every fault. Method: short histories by hand, each with one fault. */
import { expect, test } from "vitest";
import { ReadPromises, SessionPromises } from "./read-promises.ts";

const BOUND_MS = 1_000;

function history() {
  const promises = new ReadPromises(BOUND_MS);
  promises.begins("price", 8);
  promises.attempts("price");
  const broken = () => promises.violations.map(({ promise, allowed, read }) => [promise, allowed, read]);
  return { promises, a: new SessionPromises(promises), b: new SessionPromises(promises), broken };
}

test("what is newer, or of another session, breaks no promise", () => {
  const { a, b, broken } = history();
  a.wrote("price", 5);
  a.read("price", 5, "");
  a.read("price", 7, "");
  a.read("stock", 0, "");
  b.read("price", 4, "");
  expect(broken()).toEqual([]);
});

test("a session that reads less than it wrote", () => {
  const { a, broken } = history();
  a.wrote("price", 5);
  a.read("price", 4, "");
  expect(broken()).toEqual([["read your writes", 5, 4]]);
});

test("a session that reads less than it read, also after a write that is older", () => {
  const { a, broken } = history();
  a.read("price", 7, "");
  a.wrote("price", 6);
  a.read("price", 6, "");
  expect(broken()).toEqual([["monotonic reads", 7, 6]]);
});

test("a version that nobody has tried to write", () => {
  const { a, broken } = history();
  a.read("price", 10, "");
  expect(broken()).toEqual([["nothing from nowhere", 9, 10]]);
});

test("without a token, a version that was out of date for longer than the bound", () => {
  const { promises, broken } = history();
  promises.acknowledged("price", 3, 100);
  promises.acknowledged("price", 4, 5_000);
  promises.readWithoutToken("price", 3, 6_000, "");
  expect(broken()).toEqual([]);
  promises.readWithoutToken("price", 3, 6_001, "");
  expect(broken()).toEqual([["bounded staleness", 4, 3]]);
});
