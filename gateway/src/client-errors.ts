/** Which errors a client sees, and in which words. */
import type { ApolloServerPlugin } from "@apollo/server";
import { codedError, ERROR_CODES } from "@teranga/kit/errors.ts";
import { maskError } from "@teranga/kit/server.ts";
import type { GraphQLError, GraphQLFormattedError } from "graphql";
import type { GatewayContext } from "./request-context.ts";
import { notListedBy } from "./service-errors.ts";

/** Makes what Apollo Server and the query planner say of an error into what the client is told. */
export type FormatError = (formatted: GraphQLFormattedError, error: unknown) => GraphQLFormattedError;

/**
 * @param isOurs whether a subgraph is served by services that keep to kit/errors.ts. Of theirs, only errors with a code of that table
 * are for clients; anything else is a fault whose words may tell too much. Of services that are not ours we know no
 * codes: what they say to clients is their affair and passes as it is, as it would without a gateway.
 */
export function createFormatError(isOurs: (subgraph: string) => boolean): FormatError {
  return (formatted, error) => {
    // The query planner adds the service's name to what a service said, and to nothing else.
    const { serviceName, ...extensions } = formatted.extensions ?? {};
    const said = { ...formatted, extensions };
    const isForeign = typeof serviceName === "string" && !isOurs(serviceName);
    return counted(isForeign ? said : maskError(plannerError(said, serviceName), error), notListedBy(said));
  };
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
