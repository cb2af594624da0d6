/** Which errors a client sees, and in which words. */
import type { ApolloServerPlugin } from "@apollo/server";
import { unwrapResolverError } from "@apollo/server/errors";
import { codedError, ERROR_CODES } from "@teranga/kit/errors.ts";
import { maskError } from "@teranga/kit/server.ts";
import { GraphQLError, type GraphQLFormattedError } from "graphql";
import type { GatewayContext } from "../request-context.ts";
import { notListedBy } from "../sources/service-errors.ts";
import { DEFAULT_LIMITS, LIMIT_CODE, type Limits, tokensExceeded } from "./limits.ts";

/** Makes what Apollo Server and the query planner say of an error into what the client is told. */
export type FormatError = (formatted: GraphQLFormattedError, error: unknown) => GraphQLFormattedError;

export interface ErrorWords {
  /** Whether clients are shown what a fault of ours really says, and where it came from. For development. */
  showsFaults: boolean;
  limits: Pick<Limits, "tokensMax">;
}

/**
 * @param isOurs whether a subgraph is served by services that keep to kit/errors.ts. Of theirs, only errors with a code of that table
 * are for clients; anything else is a fault whose words may tell too much. Of services that are not ours we know no
 * codes: what they say to clients is their affair and passes as it is, as it would without a gateway.
 */
export function createFormatError(
  isOurs: (subgraph: string) => boolean,
  { showsFaults, limits }: ErrorWords = { showsFaults: false, limits: DEFAULT_LIMITS },
): FormatError {
  return (formatted, error) => {
    // The engine adds the service's name to what a service said, and to nothing else.
    const { serviceName, ...extensions } = formatted.extensions ?? {};
    const said = { ...formatted, extensions };
    const refused = refusal(said, error, limits);
    if (refused) return refused;
    const isForeign = typeof serviceName === "string" && !isOurs(serviceName);
    const told = isForeign ? said : maskError(plannerError(said, serviceName), error);
    const shown = showsFaults && isFault(told) ? unmasked(told, said, error) : told;
    return counted(shown, notListedBy(said));
  };
}

/** Limits that are checked while parsing and validating: there Apollo Server gives every error its own code. */
function refusal(
  said: GraphQLFormattedError,
  error: unknown,
  { tokensMax }: Pick<Limits, "tokensMax">,
): GraphQLFormattedError | undefined {
  switch (said.extensions?.code) {
    case "GRAPHQL_PARSE_FAILED": {
      const { message, extensions } = tokensExceeded(error, tokensMax) ?? {};
      if (!message || !extensions) return undefined;
      const { http: _, ...details } = extensions;
      return { ...said, message, extensions: details };
    }
    case "GRAPHQL_VALIDATION_FAILED": {
      const rule = error instanceof GraphQLError ? error.originalError : undefined;
      const isLimit = rule instanceof GraphQLError && rule.extensions.code === LIMIT_CODE;
      return isLimit ? { ...said, extensions: { ...said.extensions, code: LIMIT_CODE } } : undefined;
    }
    default:
      return undefined;
  }
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

/** Whether an error that is not meant for clients is a fault of ours: what services that are not ours say is not. */
export function isFaultOf(isOurs: (subgraph: string) => boolean): (error: GraphQLError) => boolean {
  return ({ extensions: { serviceName } }) => typeof serviceName !== "string" || isOurs(serviceName);
}

/** Says in words, too, for how many an error stands. */
function counted(error: GraphQLFormattedError, notListed: number): GraphQLFormattedError {
  if (notListed === 0) return error;
  const message = `${error.message} (${notListed} like this are not listed)`;
  return { ...error, message, extensions: { ...error.extensions, notListed } };
}

/** The query planner's own code for documents that it does not take says to clients that the schema is at fault. */
function plannerError(said: GraphQLFormattedError, serviceName: unknown): GraphQLFormattedError {
  if (serviceName !== undefined || said.extensions?.code !== "INVALID_GRAPHQL") return said;
  return { ...said, extensions: { ...said.extensions, code: "GRAPHQL_VALIDATION_FAILED" } };
}

/** Refuses an `operationName` that the document does not have. The query planner would take it for a fault of its own. */
export const operationIsKnown: ApolloServerPlugin<GatewayContext> = {
  async requestDidStart() {
    return {
      async didResolveOperation({ operation }) {
        if (operation) return;
        const code = "OPERATION_RESOLUTION_FAILURE";
        throw codedError(code, ERROR_CODES[code], { http: { status: 400 } });
      },
    };
  },
};
