/** The shapes of answers and errors while they are split and joined, and how their objects are made. */
import type { GraphQLError, GraphQLFormattedError } from "graphql";

export type JsonObject = Record<string, unknown>;

/** Response names and list indexes, outermost first. */
export type ResponsePath = readonly (string | number)[];

/** A partition's answer to its part of an operation. */
export type PartAnswer = AnsweredPart | { kind: "failed"; error: GraphQLError };

export interface AnsweredPart {
  kind: "answered";
  data: JsonObject | null;
  errors: readonly GraphQLFormattedError[];
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * An object whose member names clients choose, as aliases. It has only the members that are put into it. An
 * ordinary object has `constructor` from the start, and assigning `__proto__` to it sets no member.
 */
export function emptyObject(): JsonObject {
  return Object.create(null) as JsonObject;
}

/** Reads a member of an object that may be an ordinary one, e.g. one parsed from JSON. */
export function ownValue(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** Sets a member of an object that may be an ordinary one. */
export function setOwn(object: JsonObject, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, configurable: true, enumerable: true, writable: true });
}

/**
 * An error at a place in an answer. The service's `locations` are left out: they refer to a document that the
 * client does not know.
 */
export function errorAt(
  { message, extensions }: Pick<GraphQLFormattedError, "message" | "extensions">,
  path: ResponsePath,
): GraphQLFormattedError {
  return { message, path, ...(extensions && { extensions }) };
}

/** Copies a JSON value for a request that shares an answer with others and changes its own. */
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

/**
 * An object that inherits nothing, so `__proto__` and `constructor` are ordinary names. V8 keeps
 * `Object.create(null)` as a hash table, while these have hidden classes: filling one is about three times as
 * fast, and so is writing it as JSON.
 */
class BareObject {}
Object.setPrototypeOf(BareObject.prototype, null);
delete (BareObject.prototype as { constructor?: unknown }).constructor;

export function bareObject(): JsonObject {
  return new BareObject() as JsonObject;
}

/** Whether ordinary objects inherit a member of this name. */
export function isInherited(name: string): boolean {
  return name in Object.prototype;
}

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
