/**
 * A request that is refused before it is executed is answered in few words, whatever it holds. graphql-js
 * quotes names and values: 1 MB of unknown input fields was answered with 51 MB.
 */
import type { ApolloServerOptions, ApolloServerPlugin, BaseContext } from "@apollo/server";
import type { GraphQLFormattedError } from "graphql";
import { cutText } from "../graphql/errors.ts";

/** Nobody reads more; the last one says that there are more. */
export const REFUSAL_ERRORS_MAX = 10;
/** The words of graphql-js quote names and values. */
export const REFUSAL_MESSAGE_LENGTH_MAX = 300;

/**
 * Programs ask services, and nobody looks for a place in their documents: an error would read the text up to
 * each of its places.
 */
export const refusalOptions = {
  parseOptions: { noLocation: true },
  validationOptions: { maxErrors: REFUSAL_ERRORS_MAX },
} satisfies Partial<ApolloServerOptions<BaseContext>>;

/** Shortens what Apollo Server says of a document or of variables. */
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
