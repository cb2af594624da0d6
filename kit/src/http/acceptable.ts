/**
 * Checks what a client accepts before the request is carried out. Apollo Server checks only when it has the
 * answer: it carried out a mutation with `accept: text/event-stream` and then refused it.
 */
import { type ApolloServerPlugin, type BaseContext, type GraphQLResponse, HeaderMap } from "@apollo/server";
import Negotiator from "negotiator";

/** The media types of a single answer, as Apollo Server has them. */
const MEDIA_TYPES = [
  "application/json; charset=utf-8",
  "application/graphql-response+json; charset=utf-8",
  "application/json; callbackSpec=1.0; charset=utf-8",
];

/**
 * Headers whose result is remembered. Clients' libraries send a few different ones, and parsing one takes 1 %
 * of a small request.
 */
const KNOWN_MAX = 100;
/** Longer headers are not remembered: a header may have 16 kB. */
const KNOWN_LENGTH_MAX = 200;

/**
 * The answer of a request that is not carried out. Apollo Server finds it
 * unacceptable and tells the client so.
 */
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

/** Must come after plugins that answer in other media types. */
export const refuseUnacceptable: ApolloServerPlugin<BaseContext> = {
  async requestDidStart({ request }) {
    const accept = request.http?.headers.get("accept");
    return !accept || isAcceptable(accept)
      ? undefined
      : { responseForOperation: async () => notCarriedOut() };
  },
};
