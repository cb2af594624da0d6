/**
 * Shortens the answer to a request that is refused before it is executed, however large the request.
 * graphql-js quotes names and values: it answered 1 MB of unknown input fields with 51 MB.
 */
import type { ApolloServerOptions, ApolloServerPlugin, BaseContext } from "@apollo/server";
import type { GraphQLFormattedError } from "graphql";
import { cutText } from "../graphql/errors.ts";

/** People read no more. The last error says that there are more. */
export const REFUSAL_ERRORS_MAX = 10;
/** graphql-js quotes names and values in its messages. */
export const REFUSAL_MESSAGE_LENGTH_MAX = 300;

/**
 * Leaves out the places of errors. The callers of services are programs, which do not use them, and each
 * place would cost reading the document up to it.
 */
export const refusalOptions = {
  parseOptions: { noLocation: true },
  validationOptions: { maxErrors: REFUSAL_ERRORS_MAX },
} satisfies Partial<ApolloServerOptions<BaseContext>>;

/** Shortens Apollo Server's errors about a document or its variables. */
export const shortRefusals: ApolloServerPlugin<BaseContext> = {
  requestDidStart: async () => ({
    async willSendResponse({ response: { body } }) {
      if (body.kind !== "single" || body.singleResult.data !== undefined) return;
      const { errors } = body.singleResult;
      if (errors) body.singleResult.errors = shortened(errors);
    },
  }),
};

function shortened(errors: readonly GraphQLFormattedError[]): GraphQLFormattedError[] {
  const said = errors
    .slice(0, REFUSAL_ERRORS_MAX)
    .map((error) => ({ ...error, message: cutText(error.message, REFUSAL_MESSAGE_LENGTH_MAX) }));
  const { extensions } = errors[0]!;
  return errors.length > said.length
    ? [...said, { message: "There is more that does not fit.", ...(extensions && { extensions }) }]
    : said;
}
