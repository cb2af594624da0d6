/**
 * Which errors of an answer are told with which part. A fetch may bring something for a part that comes later: an error in it waits
 * until its place is there.
 */
import type { GraphQLError } from "graphql";
import type { JsonObject, ResponsePath } from "../../ground/answer.ts";
import { visibleErrors } from "../../ground/error-paths.ts";
import type { DataPlace } from "./defer-places.ts";

/** A place at which a deferred fragment is delivered. */
export interface Place extends DataPlace {
  /** Different for all places of an answer. */
  id: string;
  /** The client's. */
  label: string | undefined;
}

/** What is about to be delivered at a place. */
export interface Shaped {
  place: Place;
  data: JsonObject | null;
  /** The errors that are told with it. */
  errors: GraphQLError[];
}

export class DeferredErrors {
  #held: GraphQLError[] = [];
  /** How many fragments are yet to be delivered at a path. */
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
   * Shares errors out over what one part delivers. What has no place in it is dropped: nobody is given anything there.
   * @param fresh of the part's own fetches
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

/** What is kept for the longest beginning of a path. */
function innermost<T>(byPath: ReadonlyMap<string, T>, path: ResponsePath = []): T | undefined {
  for (let length = path.length; length >= 0; length--) {
    const found = byPath.get(JSON.stringify(path.slice(0, length)));
    if (found !== undefined) return found;
  }
  return undefined;
}
