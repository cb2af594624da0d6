/**
 * The HTTP status of requests that are refused for what their document or variables say, by GraphQL over
 * HTTP.
 */
import type { ApolloServerPlugin, BaseContext, GraphQLRequestListener } from "@apollo/server";
import type { ErrorCode } from "../graphql/errors.ts";

/** The HTTP request is well-formed; what it asks for is not. */
const REQUEST_ERRORS: ReadonlySet<unknown> = new Set<ErrorCode>([
  "BAD_USER_INPUT",
  "GRAPHQL_PARSE_FAILED",
  "GRAPHQL_VALIDATION_FAILED",
  "OPERATION_LIMIT_EXCEEDED",
  "OPERATION_NOT_IN_SAFELIST",
  "OPERATION_NOT_SUPPORTED",
  "OPERATION_RESOLUTION_FAILURE",
]);

const listener: GraphQLRequestListener<BaseContext> = {
  async willSendResponse({ request, response: { http, body } }) {
    if (
      http.status !== 400 ||
      body.kind !== "single" ||
      !asksForPlainJson(request.http?.headers.get("accept"))
    )
      return;
    const { errors = [], data } = body.singleResult;
    if (data === undefined && errors.every(({ extensions }) => REQUEST_ERRORS.has(extensions?.code))) {
      http.status = 200;
    }
  },
};

/**
 * Apollo Server answers such requests with 400 whatever the client accepts. A client that asks for
 * `application/json`, the media type of before the specification, should get 200, because to some of them any
 * other status means that there is no answer to read. One that asks for `application/graphql-response+json`,
 * or for nothing in particular, gets 400.
 */
export const statusByMediaType: ApolloServerPlugin<BaseContext> = { requestDidStart: async () => listener };

function asksForPlainJson(accept: string | undefined): boolean {
  const types = accept?.toLowerCase() ?? "";
  return types.includes("application/json") && !types.includes("application/graphql-response+json");
}
