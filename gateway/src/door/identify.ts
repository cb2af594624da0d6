/** Finds out who asks before anything else is done for a request, so that a refused token costs no body. */

import type { Identity } from "@teranga/kit/identity/identity.ts";
import { VISITOR } from "@teranga/kit/identity/identity.ts";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { GraphQLError } from "graphql";
import type { IdentityMeans } from "../identity/identity-means.ts";
import type { RequestWatch } from "./request-log.ts";

const GRAPHQL_PATH = "/graphql";
const RETRY_AFTER_S = 10;

/**
 * Must be called after the watch of requests and before the GraphQL route.
 * @returns the identity of a request
 */
export function identifyRequests(
  app: FastifyInstance,
  { identify }: IdentityMeans,
  { recordOf }: RequestWatch,
): (request: FastifyRequest) => Identity {
  const identities = new WeakMap<FastifyRequest, Identity>();
  app.addHook("onRequest", async (request, reply) => {
    if (request.routeOptions.url !== GRAPHQL_PATH || request.method === "OPTIONS") return;
    const record = recordOf(request);
    try {
      const identity = await identify(request.raw.headersDistinct.authorization);
      identities.set(request, identity);
      record.identity = identity;
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
      record.told(String(error.extensions.code));
      await refuse(reply, error);
    }
  });
  return (request) => identities.get(request) ?? VISITOR;
}

function refuse(reply: FastifyReply, error: GraphQLError): FastifyReply {
  if (error.extensions.code === "KEYS_UNAVAILABLE") reply.code(503).header("retry-after", RETRY_AFTER_S);
  else reply.code(401).header("www-authenticate", 'Bearer error="invalid_token"');
  return reply.type("application/json; charset=utf-8").send({ errors: [error.toJSON()] });
}
