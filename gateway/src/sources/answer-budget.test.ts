import { expect, test } from "vitest";
import { createAnswerBudget, PlacesBeyond, spend } from "./answer-budget.ts";

test("what is spent is gone, and what is too much is not spent", () => {
  const budget = { ...createAnswerBudget(), places: 3 };
  expect([spend(budget, "places", 2), spend(budget, "places", 2), spend(budget, "places", 1)]).toEqual([
    true,
    false,
    true,
  ]);
  expect(budget.places).toBe(0);
});

test("the places of one list are one error", () => {
  const beyond = new PlacesBeyond();
  for (let index = 0; index < 1_000; index++) {
    beyond.add(["readers", index, "friends", 0]);
    beyond.add(["readers", index, "bestFriend"]);
  }
  expect(beyond.errors().map(({ path, extensions }) => [path, extensions?.code])).toEqual([
    [["readers", 0, "friends", 0], "ANSWER_TOO_LARGE"],
    [["readers", 0, "bestFriend"], "ANSWER_TOO_LARGE"],
  ]);
});
