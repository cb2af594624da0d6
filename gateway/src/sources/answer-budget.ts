/**
 * How far crossings may make one client's answer grow. They multiply: a city's orders lead to cities, these to their orders, and so
 * on; a few lines of a query then stand for gigabytes, although each city is fetched once only. A service's answer is bounded by
 * the transport; what is put together from answers is bounded here.
 */
import { codedError } from "@teranga/kit/graphql/errors.ts";
import type { GraphQLFormattedError } from "graphql";
import { errorAt, type ResponsePath } from "../ground/answer.ts";

/** The longest lists of our own clients, 100 orders of 14 cities with two allocations each, come to 2,800. */
const PLACES_MAX = 20_000;
/** 20,000 objects of 200 characters. In memory it is about ten times as much. */
const COPIED_CHARACTERS_MAX = 4 * 1024 * 1024;

/** What is left for one client request. */
export interface AnswerBudget {
  /** Objects behind crossings. */
  places: number;
  /** JSON of objects that stand at more than one place, for each place after the first. */
  copiedCharacters: number;
}

export function createAnswerBudget(): AnswerBudget {
  return { places: PLACES_MAX, copiedCharacters: COPIED_CHARACTERS_MAX };
}

/** Takes from the budget, if there is enough left. */
export function spend(budget: AnswerBudget, what: keyof AnswerBudget, amount: number): boolean {
  if (budget[what] < amount) return false;
  budget[what] -= amount;
  return true;
}

/** The places for which nothing was left, one a list: those whose paths differ in indexes only are one. */
export class PlacesBeyond {
  readonly #paths = new Map<string, ResponsePath>();

  add(path: ResponsePath): void {
    const list = path.filter((step) => typeof step === "string").join(".");
    if (!this.#paths.has(list)) this.#paths.set(list, path);
  }

  /** An error at the first place of each list. */
  errors(): GraphQLFormattedError[] {
    if (this.#paths.size === 0) return [];
    const error = codedError(
      "ANSWER_TOO_LARGE",
      "The answer is too large: from here on this field is null. Ask for smaller pages.",
    );
    return Array.from(this.#paths.values(), (path) => errorAt(error, path));
  }
}
