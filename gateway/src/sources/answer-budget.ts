/**
 * Bounds how far crossings may make one client's answer grow. Crossings multiply: a city's orders lead to
 * cities, these to their orders, and so on. A few lines of a query then stand for gigabytes, although each
 * city is fetched only once. The transport bounds the answer of one service; this file bounds what is put
 * together from several.
 */
import { codedError } from "@teranga/kit/graphql/errors.ts";
import type { GraphQLFormattedError } from "graphql";
import { errorAt, type ResponsePath } from "../ground/answer.ts";

/** The longest lists of our own clients, 100 orders of 14 cities with two allocations each, come to 2,800. */
const PLACES_MAX = 20_000;
/** 20,000 objects of 200 characters. In memory this is about ten times as much. */
const COPIED_CHARACTERS_MAX = 4 * 1024 * 1024;

/** What is left for one client request. */
export interface AnswerBudget {
  /** The number of objects behind crossings. */
  places: number;
  /** The JSON characters of objects at several places, for each place after the first. */
  copiedCharacters: number;
}

export function createAnswerBudget(): AnswerBudget {
  return { places: PLACES_MAX, copiedCharacters: COPIED_CHARACTERS_MAX };
}

/** Takes an amount from the budget. False, and takes nothing, if too little is left. */
export function spend(budget: AnswerBudget, what: keyof AnswerBudget, amount: number): boolean {
  if (budget[what] < amount) return false;
  budget[what] -= amount;
  return true;
}

/**
 * The places for which nothing was left, one for each list: paths that differ only in indexes count as one.
 */
export class PlacesBeyond {
  readonly #paths = new Map<string, ResponsePath>();

  add(path: ResponsePath): void {
    const list = path.filter((step) => typeof step === "string").join(".");
    if (!this.#paths.has(list)) this.#paths.set(list, path);
  }

  /** One error for each list, at its first such place. */
  errors(): GraphQLFormattedError[] {
    if (this.#paths.size === 0) return [];
    const error = codedError(
      "ANSWER_TOO_LARGE",
      "The answer is too large: from here on this field is null. Ask for smaller pages.",
    );
    return Array.from(this.#paths.values(), (path) => errorAt(error, path));
  }
}
