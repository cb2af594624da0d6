/** The errors of operations: which of them clients see as they are, and the log of those that they do not. */
import type { ApolloServerPlugin } from "@apollo/server";
import { unwrapResolverError } from "@apollo/server/errors";
import { GraphQLError, type GraphQLFormattedError } from "graphql";
import { codedError, ERROR_CODES, isClientError } from "../graphql/errors.ts";
import { classifyDatabaseError } from "../postgres/database.ts";
import type { Logger } from "../process/log.ts";

/** Passes errors that are meant for clients. Any other error becomes a plain internal error. */
export function maskError(formatted: GraphQLFormattedError, error: unknown): GraphQLFormattedError {
  const said = requestError(formatted, error);
  if (isClientError(said.extensions)) return said;
  const { message, extensions } = codedError("INTERNAL_SERVER_ERROR", ERROR_CODES.INTERNAL_SERVER_ERROR);
  return { ...formatted, message, extensions };
}

/**
 * Logs what `maskError` hides, with the request's own logger, so that an answer's
 * request id leads to the cause.
 * @param isFault whether an error that is not meant for clients is a fault; all are by default
 */
export function logFaults<Context extends object>(
  logOf: (context: Context) => Logger,
  isFault: (error: GraphQLError) => boolean = () => true,
): ApolloServerPlugin<Context> {
  return {
    async requestDidStart() {
      return {
        async didEncounterErrors({ errors, contextValue }) {
          for (const error of errors) {
            if (isClientError(requestError(error.toJSON(), error).extensions) || !isFault(error)) continue;
            const original = unwrapResolverError(error);
            const line = { err: original, path: error.path };
            // A database that is away fails every request until it is back. The cause is
            // known, and the client is told.
            if (isDatabaseAway(error)) logOf(contextValue).warn(line, "the database is away");
            else logOf(contextValue).error(line, "an operation failed on a fault of ours");
          }
        },
      };
    },
  };
}

export function isDatabaseAway(error: unknown): boolean {
  return classifyDatabaseError(unwrapResolverError(error)).kind === "transient";
}

/** Codes and words for requests that Apollo Server refuses without a code or with none of its own words. */
function requestError(formatted: GraphQLFormattedError, error: unknown): GraphQLFormattedError {
  const { message, extensions } = formatted;
  if (extensions?.code === "GRAPHQL_PARSE_FAILED" && /^Maximum call stack/.test(message)) {
    return { ...formatted, message: "The document is nested too deep to be read." };
  }
  if (!(error instanceof GraphQLError) || error.originalError || error.path) return formatted;
  // graphql-js stops after 50 errors, and this last error has no code.
  if (/^Too many errors processing variables/.test(message)) {
    return { ...formatted, extensions: { ...extensions, code: "BAD_USER_INPUT" } };
  }
  // Apollo Server gives this error a status, 400, but no code: the hash of a persisted
  // query belongs to another document.
  const { http, code } = error.extensions as { http?: { status?: number }; code?: unknown };
  const isRefusal = http?.status !== undefined && http.status >= 400 && http.status < 500;
  if (code !== undefined || !isRefusal) return formatted;
  return { ...formatted, extensions: { ...extensions, code: "BAD_REQUEST" } };
}
