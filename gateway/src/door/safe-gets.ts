/**
 * Lets queries by GET pass without the header that proves a CORS preflight. Some clients send such queries,
 * urql by default.
 *
 * A query changes nothing and mutations by GET are refused, but a foreign page could still learn from how
 * long an answer takes. So a GET passes if it asks for GraphQL's own media type and the browser does not say
 * that it comes from another site. Pages that CORS allows may send them too.
 */
import type { FastifyReply, FastifyRequest } from "fastify";

const MEDIA_TYPE = "application/graphql-response+json";
/** The header that Apollo Server checks. */
const PREFLIGHT_HEADER = "apollo-require-preflight";

/** Must be called after CORS has handled the request. */
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
