/** Merges what several fetches bring of one object. */
import { isObject, type JsonObject, ownValue, setOwn } from "../ground/answer.ts";

/**
 * Puts the members of one object into another. Objects on both sides are merged in place, because a parallel
 * branch of the plan may be about to write into them. Of two other values, the later one counts.
 */
export function mergeInto(target: JsonObject, received: JsonObject): void {
  // Neither a service's answer nor an object made of it inherits enumerable members.
  for (const name in received) {
    const added = received[name];
    if (name === "__proto__") {
      setOwn(target, name, joined(ownValue(target, name), added));
      continue;
    }
    const old = target[name];
    if (typeof old !== "object" || old === null) target[name] = added;
    else if (old !== added) target[name] = joined(old, added);
  }
}

function joined(old: unknown, added: unknown): unknown {
  if (Array.isArray(old) && Array.isArray(added)) {
    if (old.length !== added.length) return added;
    for (const [index, element] of added.entries()) old[index] = joined(old[index], element);
    return old;
  }
  if (!isObject(old) || !isObject(added)) return added;
  if (old !== added) mergeInto(old, added);
  return old;
}
