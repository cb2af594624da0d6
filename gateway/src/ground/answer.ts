/** The shapes of answers and their errors while they are taken apart and joined. */
import type { GraphQLError, GraphQLFormattedError } from "graphql";

export type JsonObject = Record<string, unknown>;

/** Response names and list indexes, outermost first. */
export type ResponsePath = readonly (string | number)[];

/** What one partition made of the part of an operation that it was sent. */
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
 * An object whose names clients choose, as aliases. It has nothing but what is put into it: in an ordinary one `constructor` is
 * there from the beginning, and setting `__proto__` sets no member.
 */
export function emptyObject(): JsonObject {
  return Object.create(null) as JsonObject;
}

/** A member of an object that may be an ordinary one, e.g. one that came as JSON. */
export function ownValue(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** Sets a member of an object that may be an ordinary one. */
export function setOwn(object: JsonObject, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, configurable: true, enumerable: true, writable: true });
}

/** An error at a place in an answer. What a service says of its own document (`locations`) means nothing to a client. */
export function errorAt(
  { message, extensions }: Pick<GraphQLFormattedError, "message" | "extensions">,
  path: ResponsePath,
): GraphQLFormattedError {
  return { message, path, ...(extensions && { extensions }) };
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
