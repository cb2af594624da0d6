/** The route of GraphQL, with the context that the door makes of each request. */
import type { IncomingHttpHeaders } from "node:http";
import type { ApolloServer } from "@apollo/server";
import fastifyApollo from "@as-integrations/fastify";
import { requestIdOf } from "@teranga/kit/http/server.ts";
import { type Identity, VISITOR } from "@teranga/kit/identity/identity.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { EntityCache } from "../cache/entity-cache.ts";
import { AnswerRoom, holdingOf } from "../ground/answer-room.ts";
import type { Session } from "../session/session.ts";
import { createAnswerBudget } from "../sources/answer-budget.ts";
import type { RequestContext } from "../sources/request-context.ts";
import type { RequestWatch } from "./request-log.ts";

export interface RouteTerms extends Pick<RequestContext, "fetchDeadlineMs" | "onSubgraphRequest"> {
  log: Logger;
  recordOf: RequestWatch["recordOf"];
  /** Everybody is a visitor by default. */
  identityOf?: ((request: FastifyRequest) => Identity) | undefined;
  cache?: EntityCache | undefined;
  /** Services are told nothing of who asks by default. */
  assertions?: RequestContext["assertions"];
  /** No sessions by default. */
  sessionOf?: ((request: FastifyRequest) => Session) | undefined;
  /** When a request that has just come must be over, on the clock of `performance.now`. */
  deadlineAtMs: () => number;
  /** The names, in lower case, of the client's headers that services may see. None by default. */
  forwardedHeaders?: readonly string[];
  /** The bytes of services' answers that may be in use at a time. */
  answerBytesMax?: number | undefined;
}

/** @param apollo has been started */
export async function addGraphQLRoute(
  app: FastifyInstance,
  apollo: ApolloServer<RequestContext>,
  terms: RouteTerms,
): Promise<void> {
  const { log, recordOf, identityOf, sessionOf, deadlineAtMs, forwardedHeaders = [] } = terms;
  const { fetchDeadlineMs, onSubgraphRequest } = terms;
  const room = new AnswerRoom({ bytesMax: terms.answerBytesMax });
  await app.register(fastifyApollo(apollo), {
    context: async (request, reply) => {
      const requestId = requestIdOf(request);
      return {
        requestId,
        log: log.child({ requestId }),
        identity: identityOf?.(request) ?? VISITOR,
        assertions: terms.assertions,
        deadlineAtMs: deadlineAtMs(),
        fetchDeadlineMs,
        forwardedHeaders: pickHeaders(request.headers, forwardedHeaders),
        session: sessionOf?.(request),
        cache: terms.cache,
        record: recordOf(request),
        unavailable: new Set<string>(),
        budget: createAnswerBudget(),
        holding: holdingOf(reply.raw, room),
        onSubgraphRequest,
      };
    },
  });
}

/** The client's headers that services may see. */
function pickHeaders(headers: IncomingHttpHeaders, names: readonly string[]): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const name of names) {
    const value = headers[name];
    if (value !== undefined) picked[name] = String(value);
  }
  return picked;
}
