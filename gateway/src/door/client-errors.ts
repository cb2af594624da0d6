/** Decides which errors a client sees, in which words and with which paths. */
import type { ApolloServerPlugin } from "@apollo/server";
import { unwrapResolverError } from "@apollo/server/errors";
import { cutText } from "@teranga/kit/graphql/errors.ts";
import { maskError } from "@teranga/kit/http/masked-errors.ts";
import { GraphQLError, type GraphQLFormattedError } from "graphql";
import { visibleErrors } from "../ground/error-paths.ts";
import { notListedBy } from "../ground/service-errors.ts";
import type { RequestContext } from "../sources/request-context.ts";

/** Turns an error, as Apollo Server and the query planner word it, into what the client is told. */
export type FormatError = (formatted: GraphQLFormattedError, error: unknown) => GraphQLFormattedError;

/** A message may quote text of any length that a client or a service sent. */
const MESSAGE_LENGTH_MAX = 1_000;

export interface ErrorWords {
  /** Whether clients see the real message and stack of our own faults. For development. */
  showsFaults: boolean;
}

/**
 * @param isOurs whether a subgraph's services follow kit/src/graphql/errors.ts. Of their errors, clients see
 * only those with a code of that table. Any other error is a fault whose words may reveal too much. Services
 * that are not ours have codes that we do not know, so their errors pass unchanged, as they would without a
 * gateway.
 */
export function createFormatError(
  isOurs: (subgraph: string) => boolean,
  { showsFaults }: ErrorWords = { showsFaults: false },
): FormatError {
  return (formatted, error) => {
    // The engine adds `serviceName` to errors that a service sent, and to no others.
    const { serviceName, ...extensions } = formatted.extensions ?? {};
    const said = { ...formatted, extensions };
    const isForeign = typeof serviceName === "string" && !isOurs(serviceName);
    const told = isForeign ? said : maskError(plannerError(said, serviceName), error);
    const shown = showsFaults && isFault(told) ? unmasked(told, said, error) : told;
    return counted({ ...shown, message: cutText(shown.message, MESSAGE_LENGTH_MAX) }, notListedBy(said));
  };
}

function isFault({ extensions }: GraphQLFormattedError): boolean {
  return extensions?.code === "INTERNAL_SERVER_ERROR";
}

/** How many lines of a stack trace a client is shown in development. */
const STACK_LINES_MAX = 20;

/** A service's error gets no stack trace: ours would only show where the gateway received the error. */
function unmasked(
  masked: GraphQLFormattedError,
  said: GraphQLFormattedError,
  error: unknown,
): GraphQLFormattedError {
  const original = unwrapResolverError(error);
  const isSaid = error instanceof GraphQLError && error.extensions.serviceName !== undefined;
  if (isSaid || !(original instanceof Error)) return { ...masked, message: said.message };
  const stacktrace = original.stack?.split("\n").slice(0, STACK_LINES_MAX);
  return { ...masked, message: original.message, extensions: { ...masked.extensions, stacktrace } };
}

/**
 * Whether an error that is not meant for clients is our own fault. Errors of services that are not ours are
 * never our fault.
 */
export function isFaultOf(isOurs: (subgraph: string) => boolean): (error: GraphQLError) => boolean {
  return ({ extensions: { serviceName } }) => typeof serviceName !== "string" || isOurs(serviceName);
}

/** Adds to the message how many errors the one error stands for. */
function counted(error: GraphQLFormattedError, notListed: number): GraphQLFormattedError {
  if (notListed === 0) return error;
  const message = `${error.message} (${notListed} like this are not listed)`;
  return { ...error, message, extensions: { ...error.extensions, notListed } };
}

/**
 * Replaces the code that the query planner gives to documents it refuses: that code tells clients that the
 * schema is at fault.
 */
function plannerError(said: GraphQLFormattedError, serviceName: unknown): GraphQLFormattedError {
  if (serviceName !== undefined || said.extensions?.code !== "INVALID_GRAPHQL") return said;
  return { ...said, extensions: { ...said.extensions, code: "GRAPHQL_VALIDATION_FAILED" } };
}

/** Cuts the paths of errors to the part that the client's data has. */
export const visibleErrorPaths: ApolloServerPlugin<RequestContext> = {
  async requestDidStart() {
    return {
      async willSendResponse({ response: { body } }) {
        if (body.kind !== "single") return;
        const result = body.singleResult;
        if (result.errors) result.errors = visibleErrors(result.errors, result.data);
      },
    };
  },
};
