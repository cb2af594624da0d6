/**
 * Watches clients' requests from their headers to the end of their answers: one line in the log and one set
 * of counts each, whether they got as far as GraphQL or not.
 *
 * A line has no variables and no text of the operation: both hold names, addresses and amounts. The hash of
 * the text leads to it where it is known, and the request id to what the services have logged.
 */
import type { ApolloServerPlugin, GraphQLRequestContext, GraphQLRequestListener } from "@apollo/server";
import { requestIdOf } from "@teranga/kit/http/server.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import { currentSpan } from "@teranga/kit/process/tracing.ts";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { GatewayContext } from "../sources/request-context.ts";
import { NO_CODE, RequestRecord } from "../sources/request-record.ts";
import { EXPLAIN_HEADER } from "./explain.ts";
import type { GatewayMetrics, RequestOutcome } from "./metrics.ts";

export interface RequestWatchOptions {
  log: Logger;
  metrics: GatewayMetrics;
  /** Whether clients may ask how their answers were made. */
  mayExplain: boolean;
  nowMs: () => number;
}

export interface RequestWatch {
  /** The record of a request under way. */
  recordOf(request: FastifyRequest): RequestRecord;
  /** Notes what GraphQL makes of the request. */
  plugin: ApolloServerPlugin<GatewayContext>;
}

const GRAPHQL_PATH = "/graphql";
/** A name may be as long as a document; beyond this nobody reads it. */
const NAME_LENGTH_MAX = 100;
/** What proxies write into their logs when the client has gone before its answer. */
const CLIENT_GONE = 499;
/**
 * Of what is OVERLOADED, and of nothing else here: refused at the door (door.ts), or before it was planned
 * (turns.ts).
 */
const OVERLOADED = 503;

/** To be called after the hook that gives each request its id, and before the route of GraphQL. */
export function watchRequests(app: FastifyInstance, options: RequestWatchOptions): RequestWatch {
  const { metrics, mayExplain, nowMs } = options;
  const records = new WeakMap<FastifyRequest, RequestRecord>();
  const begin = (request: FastifyRequest): RequestRecord => {
    const isExplained = mayExplain && request.headers[EXPLAIN_HEADER] === "true";
    const record = new RequestRecord(requestIdOf(request), isExplained, nowMs);
    records.set(request, record);
    return record;
  };
  app.addHook("onRequest", async (request, reply) => {
    if (request.routeOptions.url !== GRAPHQL_PATH || request.method === "OPTIONS") return;
    const record = begin(request);
    metrics.requestBegun();
    // Unlike Fastify's hook after an answer, this one comes when the client goes early, too.
    reply.raw.once("close", () => {
      const status = reply.raw.writableFinished ? reply.statusCode : CLIENT_GONE;
      const outcome = outcomeOf(record, status);
      metrics.requestEnded(record, outcome);
      logRequest(options.log, record, { status, outcome });
    });
  });
  return { recordOf: (request) => records.get(request) ?? begin(request), plugin: noteOperations };
}

const listener: GraphQLRequestListener<GatewayContext> = {
  async didResolveOperation(request) {
    noteOperation(request);
  },
  async willSendResponse({ response: { body }, contextValue: { record } }) {
    if (body.kind !== "single") return;
    for (const { extensions } of body.singleResult.errors ?? []) {
      record.told(typeof extensions?.code === "string" ? extensions.code : NO_CODE);
    }
  },
};

const noteOperations: ApolloServerPlugin<GatewayContext> = { requestDidStart: async () => listener };

function noteOperation({ operation, queryHash, contextValue }: GraphQLRequestContext<GatewayContext>): void {
  if (!operation) return;
  const name = operation.name?.value.slice(0, NAME_LENGTH_MAX);
  contextValue.record.operation = { name, type: operation.operation, hash: queryHash };
  currentSpan()?.setAttributes({
    "graphql.operation.type": operation.operation,
    ...(name !== undefined && { "graphql.operation.name": name }),
  });
}

/** Codes that say that something on our side is wrong, and codes that say that a service is away. */
const FAULT = "INTERNAL_SERVER_ERROR";
const AWAY = /_UNAVAILABLE$/;

function outcomeOf({ errors }: RequestRecord, status: number): RequestOutcome {
  if (status === CLIENT_GONE) return "aborted";
  if (status === OVERLOADED) return "refused";
  if (status >= 500) return "failed";
  if (status >= 400) return "refused";
  return errors.size === 0 ? "ok" : "partial";
}

/** A fault of ours is an error, a service that is away a warning; the rest is how things go. */
function levelOf({ errors }: RequestRecord, outcome: RequestOutcome): "error" | "warn" | "info" {
  if (outcome === "failed" || errors.has(FAULT)) return "error";
  return [...errors.keys()].some((code) => AWAY.test(code)) ? "warn" : "info";
}

function logRequest(
  log: Logger,
  record: RequestRecord,
  { status, outcome }: { status: number; outcome: RequestOutcome },
): void {
  const { requestId, operation, fetches, failedFetches, sharedFetches, retriedFetches, errors } = record;
  const level = levelOf(record, outcome);
  if (!log.isLevelEnabled(level)) return;
  log[level](
    {
      requestId,
      ...(operation && { operation: operation.name, type: operation.type, hash: operation.hash }),
      status,
      outcome,
      durationMs: Math.round(record.durationMs * 10) / 10,
      fetches,
      ...(failedFetches > 0 && { failedFetches }),
      ...(sharedFetches > 0 && { sharedFetches }),
      ...(retriedFetches > 0 && { retriedFetches }),
      ...(errors.size > 0 && { errors: Object.fromEntries(errors) }),
    },
    "request",
  );
}
