/** Our own faults as errors of an answer. */
import { GraphQLError, type GraphQLErrorExtensions } from "graphql";

/**
 * A GraphQLError as it is. Anything else that was thrown is a fault of ours, whose message is for the log
 * only.
 */
export function asGraphQLError(thrown: unknown, extensions?: GraphQLErrorExtensions): GraphQLError {
  if (thrown instanceof GraphQLError) return thrown;
  const originalError = thrown instanceof Error ? thrown : new Error(String(thrown));
  return new GraphQLError(originalError.message, {
    originalError,
    extensions: { ...extensions, code: "INTERNAL_SERVER_ERROR" },
  });
}
