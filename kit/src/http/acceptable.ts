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

/** Headers whose meaning is remembered: clients' libraries send a few, and to read one takes 1 % of a small request. */
const KNOWN_MAX = 100;
/** No longer ones: they may be of 16 kB. */
const KNOWN_LENGTH_MAX = 200;

/** In the place of an answer: Apollo Server finds that nobody would take it, and says so. */
const notCarriedOut = (): GraphQLResponse => ({
  http: { headers: new HeaderMap() },
  body: { kind: "single", singleResult: {} },
});

const known = new Map<string, boolean>();

function isAcceptable(accept: string): boolean {
  const remembered = known.get(accept);
  if (remembered !== undefined) return remembered;
  const isFit = new Negotiator({ headers: { accept } }).mediaType(MEDIA_TYPES) !== undefined;
  if (accept.length > KNOWN_LENGTH_MAX) return isFit;
  if (known.size >= KNOWN_MAX) known.clear();
  known.set(accept, isFit);
  return isFit;
}

/** To come after what answers in other media types. */
export const refuseUnacceptable: ApolloServerPlugin<BaseContext> = {
  async requestDidStart({ request }) {
    const accept = request.http?.headers.get("accept");
    return !accept || isAcceptable(accept)
      ? undefined
      : { responseForOperation: async () => notCarriedOut() };
  },
};
