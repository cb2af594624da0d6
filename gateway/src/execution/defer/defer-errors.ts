/**
 * Decides with which part of an answer each error is delivered. A fetch may bring data for a later part; an
 * error in that data waits until its place is delivered.
 */
import type { GraphQLError } from "graphql";
import type { JsonObject, ResponsePath } from "../../ground/answer.ts";
import { visibleErrors } from "../../ground/error-paths.ts";
import type { DataPlace } from "./defer-places.ts";

/** A place at which a deferred fragment is delivered. */
export interface Place extends DataPlace {
  /** Unique within an answer. */
  id: string;
  /** The client's label. */
  label: string | undefined;
}

/** What is about to be delivered at a place. */
export interface Shaped {
  place: Place;
  data: JsonObject | null;
  /** The errors that are delivered with it. */
  errors: GraphQLError[];
}

export class DeferredErrors {
  #held: GraphQLError[] = [];
  /** The number of fragments that are still to be delivered at each path. */
  readonly #open = new Map<string, number>();

  opened({ path }: Place): void {
    const key = JSON.stringify(path);
    this.#open.set(key, (this.#open.get(key) ?? 0) + 1);
  }

  closed({ path }: Place): void {
    const key = JSON.stringify(path);
    const left = this.#open.get(key)! - 1;
    if (left > 0) this.#open.set(key, left);
    else this.#open.delete(key);
  }

  /**
   * Distributes errors over the deliveries of one part. An error outside of all of them is dropped, since the
   * client gets nothing at its place.
   * @param fresh errors of the part's own fetches
   */
  share(fresh: readonly GraphQLError[], parts: readonly Shaped[]): void {
    const byPath = new Map(parts.map((shaped) => [JSON.stringify(shaped.place.path), shaped]));
    const held = this.#held;
    this.#held = [];
    for (const error of held) {
      const shaped = innermost(byPath, error.path);
      if (!shaped || this.#belongsLater(error, shaped)) this.#held.push(error);
      else shaped.errors.push(error);
    }
    for (const error of fresh) {
      const shaped = error.path ? innermost(byPath, error.path) : parts[0];
      if (!shaped) continue;
      if (this.#belongsLater(error, shaped)) this.#held.push(error);
      else shaped.errors.push(error);
    }
  }

  #belongsLater(error: GraphQLError, { place, data }: Shaped): boolean {
    if (!error.path || this.#open.size === 0) return false;
    const path = error.path.slice(place.path.length);
    const [visible] = visibleErrors([{ message: "", path }], data);
    return visible!.path!.length < path.length && innermost(this.#open, error.path) !== undefined;
  }
}

/** The value for the longest prefix of a path that has one. */
function innermost<T>(byPath: ReadonlyMap<string, T>, path: ResponsePath = []): T | undefined {
  for (let length = path.length; length >= 0; length--) {
    const found = byPath.get(JSON.stringify(path.slice(0, length)));
    if (found !== undefined) return found;
  }
  return undefined;
}
