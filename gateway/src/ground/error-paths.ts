/**
 * Errors at places that the client can see, and for all that is missing there.
 *
 * A plan fetches more than the client asked for: what a field @requires, keys. An error there has a path to a field that is not in
 * the answer. It is cut back to the innermost object that is, and said once however many such fields it came from.
 */
import { codedError, ERROR_CODES } from "@teranga/kit/graphql/errors.ts";
import type { GraphQLFormattedError } from "graphql";
import { errorAt, isObject, type ResponsePath } from "./answer.ts";
import { limitErrors } from "./service-errors.ts";

/** What a client is told of values that are null where they must not be, or of a wrong type, if no service has said why. */
export function completionErrors(misfits: readonly { path: ResponsePath }[]): GraphQLFormattedError[] {
  const error = codedError("INTERNAL_SERVER_ERROR", ERROR_CODES.INTERNAL_SERVER_ERROR);
  return limitErrors(misfits.map(({ path }) => errorAt(error, path)));
}

/** The errors with their paths cut to what `data` has; of those that then say the same at the same place, one. */
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
    // What lies below a null is not in the answer because of this very error, or of one beside it.
    if (place === null || place === undefined) return path;
    const isThere = isObject(place)
      ? Object.hasOwn(place, step)
      : Array.isArray(place) && typeof step === "number";
    if (!isThere) return path.slice(0, depth);
    place = (place as Record<string | number, unknown>)[step];
  }
  return path;
}
