/**
 * Errors at places that the client can see, and for all that is missing there.
 *
 * A plan fetches more than the client asked for: what a field @requires, keys. An error there has a path to a field that is not in
 * the answer. It is cut back to the innermost object that is, and said once however many such fields it came from.
 */
import type { ApolloServerPlugin } from "@apollo/server";
import { codedError, ERROR_CODES } from "@teranga/kit/errors.ts";
import type { GraphQLFormattedError } from "graphql";
import { errorAt, isObject, type ResponsePath } from "./answer.ts";
import type { GatewayContext } from "./request-context.ts";
import { limitErrors } from "./service-errors.ts";

export const visibleErrorPaths: ApolloServerPlugin<GatewayContext> = {
  async requestDidStart() {
    return {
      async willSendResponse({ response: { body }, contextValue }) {
        if (body.kind !== "single") return;
        const result = body.singleResult;
        const { valueCompletion, ...extensions } = result.extensions ?? {};
        if (valueCompletion !== undefined) {
          contextValue.log.error({ valueCompletion }, "a service's values do not fit the schema");
          result.errors = [...(result.errors ?? []), ...completionErrors(valueCompletion)];
          if (Object.keys(extensions).length > 0) result.extensions = extensions;
          else delete result.extensions;
        }
        if (result.errors) result.errors = visibleErrors(result.errors, result.data);
      },
    };
  },
};

/**
 * A value that is null where it must not be, or of a wrong type, makes its object null. If no service has an error to show for it,
 * the query planner tells so in the extension `valueCompletion`, where no client looks, in words about types.
 */
export function completionErrors(valueCompletion: unknown): GraphQLFormattedError[] {
  const error = codedError("INTERNAL_SERVER_ERROR", ERROR_CODES.INTERNAL_SERVER_ERROR);
  const problems: { path?: ResponsePath }[] = Array.isArray(valueCompletion) ? valueCompletion : [];
  return limitErrors(problems.map(({ path }) => errorAt(error, path ?? [])));
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
