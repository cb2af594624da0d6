/**
 * Watches clients' requests from their headers to the end of their answers. Each request is one log line and
 * one set of counts, whether it got as far as GraphQL or not.
 *
 * A line has no variables and no text of the operation, since both hold names, addresses and amounts. The
 * hash of the text leads to the text where that is known, and the request id to the lines of the services.
 */
import type { ApolloServerPlugin, GraphQLRequestContext, GraphQLRequestListener } from "@apollo/server";
import { requestIdOf } from "@teranga/kit/http/server.ts";
import { subjectOf } from "@teranga/kit/identity/identity.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import { currentSpan } from "@teranga/kit/process/tracing.ts";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { RequestContext } from "../sources/request-context.ts";
import { NO_CODE, RequestRecord } from "../sources/request-record.ts";
import { EXPLAIN_HEADER } from "./explain.ts";
import type { GatewayMetrics, RequestOutcome } from "./metrics.ts";

export interface RequestWatchOptions {
  log: Logger;
  metrics: GatewayMetrics;
  /** Whether clients may ask for an explanation of their answers. */
  mayExplain: boolean;
  nowMs: () => number;
}

export interface RequestWatch {
  /** The record of a running request. */
  recordOf(request: FastifyRequest): RequestRecord;
  /** Notes the GraphQL side of the request. */
  plugin: ApolloServerPlugin<RequestContext>;
}

const GRAPHQL_PATH = "/graphql";
/** A name may be as long as a document. The log has its first characters only. */
const NAME_LENGTH_MAX = 100;
/** The status that proxies log when the client has gone before its answer. */
const CLIENT_GONE = 499;
/**
 * The status of OVERLOADED, a request refused at the door (door.ts) or before it was planned (turns.ts), and
 * of KEYS_UNAVAILABLE (identify.ts).
 */
const NOT_NOW = 503;
const NO_KEYS = "KEYS_UNAVAILABLE";

/** Must be called after the hook that gives each request its id, and before the GraphQL route. */
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
    // Unlike Fastify's hook after an answer, this event also comes when the client leaves early.
    reply.raw.once("close", () => {
      const status = reply.raw.writableFinished ? reply.statusCode : CLIENT_GONE;
      const outcome = outcomeOf(record, status);
      metrics.requestEnded(record, outcome);
      logRequest(options.log, record, { status, outcome });
    });
  });
  return { recordOf: (request) => records.get(request) ?? begin(request), plugin: noteOperations };
}

const listener: GraphQLRequestListener<RequestContext> = {
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

const noteOperations: ApolloServerPlugin<RequestContext> = { requestDidStart: async () => listener };

function noteOperation({ operation, queryHash, contextValue }: GraphQLRequestContext<RequestContext>): void {
  if (!operation) return;
  const name = operation.name?.value.slice(0, NAME_LENGTH_MAX);
  contextValue.record.operation = { name, type: operation.operation, hash: queryHash };
  currentSpan()?.setAttributes({
    "graphql.operation.type": operation.operation,
    ...(name !== undefined && { "graphql.operation.name": name }),
  });
}

/** The code of our own faults, and the codes of services that are away. */
const FAULT = "INTERNAL_SERVER_ERROR";
const AWAY = /_UNAVAILABLE$/;

function outcomeOf({ errors }: RequestRecord, status: number): RequestOutcome {
  if (status === CLIENT_GONE) return "aborted";
  if (status === NOT_NOW && !errors.has(NO_KEYS)) return "refused";
  if (status >= 500) return "failed";
  if (status >= 400) return "refused";
  return errors.size === 0 ? "ok" : "partial";
}

/** Our own fault is an error, a service that is away a warning, and anything else normal operation. */
function levelOf({ errors }: RequestRecord, outcome: RequestOutcome): "error" | "warn" | "info" {
  if (outcome === "failed" || errors.has(FAULT)) return "error";
  return [...errors.keys()].some((code) => AWAY.test(code)) ? "warn" : "info";
}

/** The role of whoever asks, and who that is. Nothing of the token. */
function identityForLog({ identity }: RequestRecord): { role?: string; subject?: string } {
  if (!identity) return {};
  const subject = subjectOf(identity);
  return { role: identity.role, ...(subject !== undefined && { subject }) };
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
      ...identityForLog(record),
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
