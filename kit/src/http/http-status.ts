/** The HTTP status of requests whose document or variables are refused, by GraphQL over HTTP. */
import type { ApolloServerPlugin, BaseContext, GraphQLRequestListener } from "@apollo/server";
import type { ErrorCode } from "../graphql/errors.ts";

/** The HTTP request is well-formed, but its GraphQL request is wrong. */
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
 * `application/json`, the media type used before the specification, should get 200: some such
 * clients read no body with another status. A client that asks for
 * `application/graphql-response+json`, or has no preference, gets 400.
 */
export const statusByMediaType: ApolloServerPlugin<BaseContext> = { requestDidStart: async () => listener };

function asksForPlainJson(accept: string | undefined): boolean {
  const types = accept?.toLowerCase() ?? "";
  return types.includes("application/json") && !types.includes("application/graphql-response+json");
}
