/** Joining what several fetches tell of one object. */
import { isObject, type JsonObject, setOwn } from "../answer.ts";

/**
 * Puts the members of one object into another. What both have as objects is joined anew, never in place: an object that was
 * fetched once may stand at many places, and a place of it must not change the others. Of two values, the later one counts.
 */
export function mergeInto(target: JsonObject, received: JsonObject): void {
  // Neither a service's answer nor what is made of it inherits anything that can be enumerated.
  for (const name in received) {
    const added = received[name];
    if (name === "__proto__") {
      setOwn(target, name, Object.hasOwn(target, name) ? merged(target[name], added) : added);
      continue;
    }
    const old = target[name];
    target[name] = old === undefined || old === null || typeof old !== "object" ? added : merged(old, added);
  }
}

function merged(old: unknown, added: unknown): unknown {
  if (Array.isArray(old) && Array.isArray(added)) {
    return old.length === added.length ? old.map((element, index) => merged(element, added[index])) : added;
  }
  if (!isObject(old) || !isObject(added)) return added;
  const both: JsonObject = { ...old };
  mergeInto(both, added);
  return both;
}

/** A copy of a JSON value, for a request that shares an answer with others and changes what it gets. */
export function copyJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyJson);
  if (!isObject(value)) return value;
  const copy: JsonObject = {};
  for (const name of Object.keys(value)) {
    if (name === "__proto__") setOwn(copy, name, copyJson(value[name]));
    else copy[name] = copyJson(value[name]);
  }
  return copy;
}
