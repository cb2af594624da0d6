/**
 * Crossings, the answering side: finds the tokens in an answer and puts the fetched objects in their places.
 */

import { isObject, type JsonObject, ownValue, type ResponsePath, setOwn } from "../../ground/answer.ts";
import type { Crossing, CrossingTree, EntityPlan } from "./crossing-plan.ts";

/** The place of one object that must be fetched from its owner. */
export interface CrossingPlace {
  followUp: EntityPlan;
  /** `__typename` and the key. */
  representation: JsonObject;
  path: ResponsePath;
  put: (value: JsonObject | null) => void;
}

/**
 * Removes the tokens from a value and yields a place for each object behind them. A place holds null until an
 * object is put there.
 */
export function* takeCrossings(
  value: unknown,
  tree: CrossingTree,
  path: ResponsePath,
): Generator<CrossingPlace> {
  if (Array.isArray(value)) {
    for (const [index, element] of value.entries()) yield* takeCrossings(element, tree, [...path, index]);
    return;
  }
  if (!isObject(value)) return;
  for (const [token, crossing] of tree.here) yield* takeCrossing(value, token, crossing, path);
  for (const [name, below] of tree.below) {
    if (Object.hasOwn(value, name)) yield* takeCrossings(value[name], below, [...path, name]);
  }
}

function* takeCrossing(
  parent: JsonObject,
  token: string,
  { responseName, followUp }: Crossing,
  parentPath: ResponsePath,
): Generator<CrossingPlace> {
  if (!Object.hasOwn(parent, token)) return;
  const found = parent[token];
  delete parent[token];
  const path = [...parentPath, responseName];
  if (!Array.isArray(found)) {
    // The operation may select the same field twice, each time with its own token. The second object is
    // merged into the first.
    const put = (value: JsonObject | null) => {
      setOwn(parent, responseName, merged(ownValue(parent, responseName), value));
    };
    if (isObject(found)) yield { followUp, representation: found, path, put };
    else setOwn(parent, responseName, null);
    return;
  }
  const present = ownValue(parent, responseName);
  const list: unknown[] = Array.isArray(present) ? present : found.map(() => undefined);
  setOwn(parent, responseName, list);
  for (const [index, element] of found.entries()) {
    const put = (value: JsonObject | null) => {
      list[index] = merged(list[index], value);
    };
    if (isObject(element)) yield { followUp, representation: element, path: [...path, index], put };
    else list[index] = null;
  }
}

/**
 * Merges two answers for one object: the members of both. Null wins, as with an error at the object itself.
 */
function merged(old: unknown, added: unknown): unknown {
  if (old === undefined) return added;
  if (Array.isArray(old) && Array.isArray(added) && old.length === added.length) {
    return old.map((element, index) => merged(element, added[index]));
  }
  if (!isObject(old) || !isObject(added)) return old === null ? null : added;
  const both: JsonObject = { ...old };
  for (const [name, value] of Object.entries(added)) setOwn(both, name, merged(ownValue(both, name), value));
  return both;
}
