/**
 * Sites: the objects that a plan's path leads to. One fetched entity may stand, as one object, at thousands
 * of places of the answer. It is one site, and whatever happens to it happens once. So the work depends on
 * the number of distinct objects, not on the answer's size.
 */
import type { GraphQLFormattedError } from "graphql";
import { errorAt, isObject, type JsonObject, ownValue, type ResponsePath } from "../ground/answer.ts";
import { notListedBy } from "../ground/service-errors.ts";

/** A query plan's path: names, and "@" for each element of a list. */
export type PlanPath = readonly string[];

export const EACH = "@";

/**
 * The distinct objects at a path below `start`. Nulls and missing values on the way are skipped.
 * @param areShared whether an object may stand at several places; if not, no objects are compared
 */
export function sitesAt(
  start: readonly JsonObject[],
  path: PlanPath,
  areShared: boolean,
): readonly JsonObject[] {
  let level: readonly unknown[] = start;
  for (const step of path) {
    const next = step === EACH ? elementsOf(level) : membersOf(level, step);
    level = areShared ? [...new Set(next)] : next;
  }
  return level.filter(isObject);
}

function elementsOf(level: readonly unknown[]): unknown[] {
  const elements: unknown[] = [];
  for (const list of level) if (Array.isArray(list)) for (const element of list) elements.push(element);
  return elements;
}

function membersOf(level: readonly unknown[], name: string): unknown[] {
  const members: unknown[] = [];
  for (const object of level) if (isObject(object)) members.push(ownValue(object, name));
  return members;
}

/**
 * The steps to search for the places of errors, about 20 ms. Objects that stand at many places inside one
 * another multiply the paths without bound.
 */
const STEPS_MAX = 200_000;
/** The places at which an error is shown. Its code and message are the same at all of them. */
const SHOWN_PLACES_MAX = 100;

/**
 * The places of each site, in the order of the answer. Called only if an error needs its places.
 * @param path from the answer's root
 */
export function placesOf(
  data: JsonObject,
  path: PlanPath,
  sites: ReadonlySet<JsonObject>,
): Map<JsonObject, ResponsePath[]> {
  const places = new Map<JsonObject, ResponsePath[]>();
  const here: (string | number)[] = [];
  let left = STEPS_MAX;

  const follow = (value: unknown, depth: number): void => {
    if (left-- <= 0) return;
    if (depth === path.length) {
      if (!isObject(value) || !sites.has(value)) return;
      const known = places.get(value);
      if (known) known.push([...here]);
      else places.set(value, [[...here]]);
      return;
    }
    const step = path[depth]!;
    if (step === EACH) {
      if (!Array.isArray(value)) return;
      for (const [index, element] of value.entries()) descend(element, index, depth + 1);
    } else if (isObject(value)) {
      descend(ownValue(value, step), step, depth + 1);
    }
  };
  const descend = (value: unknown, step: string | number, depth: number): void => {
    here.push(step);
    follow(value, depth);
    here.pop();
  };

  follow(data, 0);
  return places;
}

/**
 * An error at each of its places. Beyond SHOWN_PLACES_MAX, one error stands for the rest. An error without a
 * place concerns the whole fetch.
 * @param rest the path below each place
 */
export function* atPlaces(
  error: GraphQLFormattedError,
  places: readonly ResponsePath[],
  rest: ResponsePath,
): Generator<GraphQLFormattedError> {
  const { path: _, ...unplaced } = error;
  if (places.length === 0) yield unplaced;
  for (const place of places.slice(0, SHOWN_PLACES_MAX)) yield errorAt(error, [...place, ...rest]);
  const beyond = places[SHOWN_PLACES_MAX];
  if (!beyond) return;
  const notListed = (places.length - SHOWN_PLACES_MAX) * Math.max(1, notListedBy(error));
  yield errorAt({ ...error, extensions: { ...error.extensions, notListed } }, [...beyond, ...rest]);
}
