/** Which errors a client sees, and in which words. */
import { unwrapResolverError } from "@apollo/server/errors";
import { cutText } from "@teranga/kit/graphql/errors.ts";
import { maskError } from "@teranga/kit/http/server.ts";
import { GraphQLError, type GraphQLFormattedError } from "graphql";
import { notListedBy } from "../ground/service-errors.ts";

/** Makes what Apollo Server and the query planner say of an error into what the client is told. */
export type FormatError = (formatted: GraphQLFormattedError, error: unknown) => GraphQLFormattedError;

/** A message may quote what a client or a service sent. */
const MESSAGE_LENGTH_MAX = 1_000;

export interface ErrorWords {
  /** Whether clients are shown what a fault of ours really says, and where it came from. For development. */
  showsFaults: boolean;
}

/**
 * @param isOurs whether a subgraph is served by services that keep to kit/errors.ts. Of theirs, only errors
 * with a code of that table are for clients; anything else is a fault whose words may tell too much. Of
 * services that are not ours we know no codes: what they say to clients is their affair and passes as it is,
 * as it would without a gateway.
 */
export function createFormatError(
  isOurs: (subgraph: string) => boolean,
  { showsFaults }: ErrorWords = { showsFaults: false },
): FormatError {
  return (formatted, error) => {
    // The engine adds the service's name to what a service said, and to nothing else.
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

/** The lines of a stack that lead somewhere. */
const STACK_LINES_MAX = 20;

/** What a service said has no stack of ours: it would only lead to where the gateway took it over. */
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
 * Whether an error that is not meant for clients is a fault of ours: what services that are not ours say is
 * not.
 */
export function isFaultOf(isOurs: (subgraph: string) => boolean): (error: GraphQLError) => boolean {
  return ({ extensions: { serviceName } }) => typeof serviceName !== "string" || isOurs(serviceName);
}

/** Says in words, too, for how many an error stands. */
function counted(error: GraphQLFormattedError, notListed: number): GraphQLFormattedError {
  if (notListed === 0) return error;
  const message = `${error.message} (${notListed} like this are not listed)`;
  return { ...error, message, extensions: { ...error.extensions, notListed } };
}

/**
 * The query planner's own code for documents that it does not take says to clients that the schema is at
 * fault.
 */
function plannerError(said: GraphQLFormattedError, serviceName: unknown): GraphQLFormattedError {
  if (serviceName !== undefined || said.extensions?.code !== "INVALID_GRAPHQL") return said;
  return { ...said, extensions: { ...said.extensions, code: "GRAPHQL_VALIDATION_FAILED" } };
}
