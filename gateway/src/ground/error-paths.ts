/**
 * Limits errors to places that the client can see, and reports everything that is missing there.
 *
 * A plan fetches more than the client asked for: fields that @requires names, and keys. The path of an error
 * there leads to a field that is not in the answer. It is cut back to the innermost object that is, and the
 * error is reported once however many such fields it came from.
 */
import { codedError, ERROR_CODES } from "@teranga/kit/graphql/errors.ts";
import type { GraphQLFormattedError } from "graphql";
import { errorAt, isObject, type ResponsePath } from "./answer.ts";
import { limitErrors } from "./service-errors.ts";

/**
 * The errors for values that are null in a non-null place or of a wrong type, if no service's error explains
 * them.
 */
export function completionErrors(misfits: readonly { path: ResponsePath }[]): GraphQLFormattedError[] {
  const error = codedError("INTERNAL_SERVER_ERROR", ERROR_CODES.INTERNAL_SERVER_ERROR);
  return limitErrors(misfits.map(({ path }) => errorAt(error, path)));
}

/** The errors with paths cut to what `data` has. Errors that are then equal become one. */
export function visibleErrors(
  errors: readonly GraphQLFormattedError[],
  data: unknown,
): GraphQLFormattedError[] {
  const said = new Map<string, GraphQLFormattedError>();
  for (const error of errors) {
    const visible = error.path ? { ...error, path: visiblePath(error.path, data) } : error;
    said.set(JSON.stringify([visible.message, visible.path, visible.extensions]), visible);
  }
  return [...said.values()];
}

function visiblePath(path: ResponsePath, data: unknown): ResponsePath {
  let place = data;
  for (const [depth, step] of path.entries()) {
    // Everything below a null is missing because of this error or another one at the same place.
    if (place === null || place === undefined) return path;
    const isThere = isObject(place)
      ? Object.hasOwn(place, step)
      : Array.isArray(place) && typeof step === "number";
    if (!isThere) return path.slice(0, depth);
    place = (place as Record<string | number, unknown>)[step];
  }
  return path;
}
