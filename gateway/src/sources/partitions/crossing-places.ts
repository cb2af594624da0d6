/** Crossings, the answering side: finding the tokens in an answer and putting the fetched objects in their place. */

import { isObject, type JsonObject, ownValue, type ResponsePath, setOwn } from "../../ground/answer.ts";
import type { Crossing, CrossingTree, EntityPlan } from "./crossing-plan.ts";

/** One object that is to be fetched from its owner. */
export interface CrossingPlace {
  followUp: EntityPlan;
  /** `__typename` and the key. */
  representation: JsonObject;
  path: ResponsePath;
  put: (value: JsonObject | null) => void;
}

/** Takes the tokens out of a value and yields a place for each object behind them. Places hold null until something is put. */
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
    // The same field may stand in the operation twice, with a token each: the second adds to what the first has put.
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

/** Two answers for one object, joined: what either of them has. Null wins, as an error at the object itself does. */
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
