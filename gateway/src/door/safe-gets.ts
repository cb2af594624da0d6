/**
 * Queries by GET, as some clients send them (urql by default), without the header that says that a browser
 * has asked for leave.
 *
 * A query has no effect, and a mutation is refused by GET; but a foreign page could still learn from how long
 * its answer takes. So they pass if they ask for GraphQL's own media type and a browser does not say that
 * they come from elsewhere. A page that CORS lets in may send them.
 */
import type { FastifyReply, FastifyRequest } from "fastify";

const MEDIA_TYPE = "application/graphql-response+json";
/** The header that Apollo Server looks for. */
const PREFLIGHT_HEADER = "apollo-require-preflight";

/** To be called after CORS has looked at the request. */
export async function letSafeGetsPass(request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const { method, headers } = request;
  if (method !== "GET" || !headers.accept?.includes(MEDIA_TYPE)) return;
  const site = headers["sec-fetch-site"];
  const isOwn =
    headers.origin === undefined && (site === undefined || site === "same-origin" || site === "none");
  const isLetIn =
    headers.origin !== undefined && reply.getHeader("access-control-allow-origin") === headers.origin;
  if (isOwn || isLetIn) headers[PREFLIGHT_HEADER] = "not needed";
}
