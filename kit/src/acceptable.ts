/**
 * What a client accepts, looked at before anything is carried out. Apollo Server looks when the answer is
 * there: a mutation with `accept: text/event-stream` was carried out, and then refused.
 */
import { type ApolloServerPlugin, type BaseContext, type GraphQLResponse, HeaderMap } from "@apollo/server";
import Negotiator from "negotiator";

/** Those of an answer that comes at once, as Apollo Server has them. */
const MEDIA_TYPES = [
  "application/json; charset=utf-8",
  "application/graphql-response+json; charset=utf-8",
  "application/json; callbackSpec=1.0; charset=utf-8",
];

/** In the place of an answer: Apollo Server finds that nobody would take it, and says so. */
const notCarriedOut = (): GraphQLResponse => ({
  http: { headers: new HeaderMap() },
  body: { kind: "single", singleResult: {} },
});

/** To come after what answers in other media types. */
export const refuseUnacceptable: ApolloServerPlugin<BaseContext> = {
  async requestDidStart({ request }) {
    const accept = request.http?.headers.get("accept");
    if (!accept || new Negotiator({ headers: { accept } }).mediaType(MEDIA_TYPES) !== undefined)
      return undefined;
    return { responseForOperation: async () => notCarriedOut() };
  },
};
