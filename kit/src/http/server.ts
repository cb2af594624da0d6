/**
 * The HTTP server of a subgraph: GraphQL at /graphql for callers with the service credential; health and
 * metrics for every caller.
 */
import { randomUUID } from "node:crypto";
import type { ApolloServer, ApolloServerPlugin } from "@apollo/server";
import { ApolloServerPluginInlineTraceDisabled } from "@apollo/server/plugin/disabled";
import { buildSubgraphSchema } from "@apollo/subgraph";
import fastifyApollo, { fastifyApolloDrainPlugin } from "@as-integrations/fastify";
import fastify, { type FastifyInstance, type FastifyRequest } from "fastify";
import { type GraphQLError, type GraphQLSchema, parse } from "graphql";
import { codedError, ERROR_CODES } from "../graphql/errors.ts";
import { withOutcomes } from "../graphql/mutation-outcome.ts";
import { Assertions, IDENTITY_HEADER } from "../identity/assertion.ts";
import { type Guard, guardSchema } from "../identity/guard.ts";
import { type Identity, VISITOR } from "../identity/identity.ts";
import type { Logger } from "../process/log.ts";
import { addMetrics, METRICS_PATH, Registry } from "../process/metrics.ts";
import { traceRequests } from "../process/tracing.ts";
import { READ_AFTER_HEADER } from "../reads/read-headers.ts";
import type { ServiceReads } from "../reads/service-reads.ts";
import { refuseUnacceptable } from "./acceptable.ts";
import { CACHE_TAGS_HEADER } from "./answer-notes.ts";
import { isAuthorized } from "./credential.ts";
import { keepDeadlines } from "./deadline.ts";
import { DEFAULT_DOOR, type Door, httpOptions, keepDoor } from "./door.ts";
import { answerHttpErrors, httpErrorOptions } from "./http-errors.ts";
import { statusByMediaType } from "./http-status.ts";
import { addHealth, listen, type Notes, type RunningServer } from "./listen.ts";
import { isDatabaseAway, logFaults, maskError } from "./masked-errors.ts";
import { NO_SCHEMAS } from "./no-schemas.ts";
import { ReadingServer } from "./reading-server.ts";
import { countRefusals } from "./refusals.ts";
import { refusalOptions, shortRefusals } from "./short-refusals.ts";

/** This header's value finds one client request in every service's log. */
export const REQUEST_ID_HEADER = "x-request-id";

/** Larger bodies are refused before they are parsed. A batch of 1,000 protocol messages is about 300 kB. */
const BODY_BYTES_MAX = 1024 * 1024;

/** What every service has at its server, whatever it serves. */
export interface ServiceTerms {
  credential: string;
  /** Resolves if the service can do its work now, and rejects if not. /health/ready calls it. */
  checkReady: () => Promise<unknown>;
  /** Lines that a person should read although the service does its work. /health/ready shows them. */
  notes?: Notes;
  /** The metrics at /metrics; without a registry there are none. */
  registry?: Registry;
}

export interface SubgraphServerOptions<Context extends object> extends ServiceTerms {
  /** Its name in the supergraph. Assertions of who asks are for one subgraph. */
  subgraph: string;
  /** The subgraph's SDL. */
  typeDefs: string;
  // biome-ignore lint/suspicious/noExplicitAny: resolver types are checked where they are written
  resolvers: any;
  /** Makes the context of one request, with its loaders and its logger. */
  createContext: (request: { requestId: string; log: Logger; identity: Identity }) => Context;
  /** Whose which row is. Needed if the SDL has policies. */
  guard?: Guard<Context>;
  port: number;
  /** Adds routes for callers with the credential. */
  addRoutes?: (app: FastifyInstance) => void;
  /** The limits for connections. */
  door?: Door | undefined;
  log: Logger;
  /**
   * The error for an operation that failed because the database could not be reached or was shutting down.
   */
  unavailable?: GraphQLError;
  /** Answers requests that say how old their answers may be; by default they are answered like others. */
  reads?: ServiceReads;
}

interface RequestLog {
  requestLog: Logger;
}

/**
 * Starts a subgraph's server.
 * @throws if the port is taken, or if the schema and the resolvers do not fit
 */
export async function startSubgraphServer<Context extends object>(
  options: SubgraphServerOptions<Context>,
): Promise<RunningServer> {
  const { port, log, door, registry } = options;
  const app = createApp(log, { door, registry });
  const apollo: ApolloServer<Context & RequestLog> = new ReadingServer(
    {
      schema: guardedSchema(options),
      introspection: true,
      includeStacktraceInErrorResponses: false,
      stopOnTerminationSignals: false,
      logger: log,
      ...refusalOptions,
      formatError: (formatted, error) => {
        const { message, extensions } = (isDatabaseAway(error) && options.unavailable) || formatted;
        return maskError({ ...formatted, message, ...(extensions && { extensions }) }, error);
      },
      plugins: [
        logFaults(({ requestLog }) => requestLog),
        refuseUnacceptable,
        shortRefusals,
        statusByMediaType,
        tellCacheTags(),
        ApolloServerPluginInlineTraceDisabled(),
        fastifyApolloDrainPlugin(app) as ApolloServerPlugin<Context & RequestLog>,
      ],
    },
    options.reads,
  );
  await apollo.start();

  serveServices(app, options);
  const identityOf = readIdentities(app, options);
  options.addRoutes?.(app);
  // The integration drops headers without a value, and this one may have none.
  app.addHook("onRequest", async ({ headers }) => {
    if (headers[READ_AFTER_HEADER] === "") headers[READ_AFTER_HEADER] = ",";
  });
  await app.register(fastifyApollo(apollo), {
    context: async (request) => {
      const requestId = requestIdOf(request);
      const requestLog = log.child({ requestId });
      const identity = identityOf(request);
      return { ...options.createContext({ requestId, log: requestLog, identity }), requestLog, identity };
    },
  });
  // Apollo's drain plugin closes the Fastify app.
  const close = () => apollo.stop();
  return { ...(await listen(app, port, close, door?.host)), close };
}

function guardedSchema<Context extends object>(options: SubgraphServerOptions<Context>): GraphQLSchema {
  const { typeDefs, guard = { rows: {}, calls: {} } } = options;
  const schema = buildSubgraphSchema([{ typeDefs: parse(typeDefs), resolvers: withOutcomes(options) }]);
  guardSchema(schema, guard);
  return schema;
}

/** Tells what a query's answer shows, if its resolvers have named that in `cacheTags` of their context. */
function tellCacheTags<Context extends object>(): ApolloServerPlugin<Context> {
  return {
    async requestDidStart() {
      return {
        async willSendResponse({ response, contextValue }) {
          const { cacheTags } = contextValue as { cacheTags?: ReadonlySet<string> };
          if (cacheTags?.size) response.http.headers.set(CACHE_TAGS_HEADER, [...cacheTags].join(","));
        },
      };
    },
  };
}

/**
 * Lets an app serve callers with the credential within their deadlines, and everybody its health and metrics.
 */
export function serveServices(
  app: FastifyInstance,
  { credential, checkReady, notes, registry }: ServiceTerms,
): void {
  addHealth(app, checkReady, notes);
  if (registry) addMetrics(app, registry);
  app.addHook("onRequest", async (request, reply) => {
    if (isOpen(request.url) || isAuthorized(request.headers.authorization, credential)) return;
    const error = codedError("UNAUTHENTICATED", ERROR_CODES.UNAUTHENTICATED);
    await reply.code(401).send({ errors: [error.toJSON()] });
  });
  // After the credential's check: only a service's trace is continued here.
  traceRequests(app, "services");
  keepDeadlines(app);
}

/** Refuses requests whose assertion is not believed. @returns who asks by a request */
function readIdentities(
  app: FastifyInstance,
  { credential, subgraph }: Pick<SubgraphServerOptions<object>, "credential" | "subgraph">,
): (request: FastifyRequest) => Identity {
  const assertions = new Assertions({ credentials: [credential], nowMs: Date.now });
  const identities = new WeakMap<FastifyRequest, Identity>();
  app.addHook("onRequest", async (request, reply) => {
    const header = request.headers[IDENTITY_HEADER]?.toString();
    if (header === undefined) return;
    const identity = await assertions.read(header, subgraph);
    if (identity) {
      identities.set(request, identity);
      return;
    }
    const error = codedError("UNAUTHENTICATED", ERROR_CODES.UNAUTHENTICATED);
    await reply.code(401).send({ errors: [error.toJSON()] });
  });
  return (request) => identities.get(request) ?? VISITOR;
}

/** Monitoring has no credential, and these paths show no secret. */
function isOpen(url: string): boolean {
  return url.startsWith("/health/") || url === METRICS_PATH;
}

/** The caller's request id, or a new one. Any value other than a plain short token is replaced. */
export function requestIdOf(request: FastifyRequest): string {
  const given = request.headers[REQUEST_ID_HEADER];
  return typeof given === "string" && /^[\w-]{1,64}$/.test(given) ? given : randomUUID();
}

export interface AppOptions {
  bodyBytesMax?: number;
  door?: Door | undefined;
  /** The registry that counts refusals; none are counted by default. */
  registry?: Registry | undefined;
}

/** Makes an HTTP server that answers faults before GraphQL (http-errors.ts) in GraphQL's shape too. */
export function createApp(
  log: Logger,
  { bodyBytesMax = BODY_BYTES_MAX, door = DEFAULT_DOOR, registry = new Registry() }: AppOptions = {},
): FastifyInstance {
  const onRefused = countRefusals(registry);
  const terms = { log, bodyBytesMax, onRefused };
  const errors = httpErrorOptions(terms);
  const app = fastify({
    ...errors,
    http: { ...errors.http, ...httpOptions(door) },
    requestTimeout: door.bodyMs,
    keepAliveTimeout: door.keepAliveMs,
    bodyLimit: bodyBytesMax,
    forceCloseConnections: "idle",
    schemaController: NO_SCHEMAS,
  });
  keepDoor(app, door, onRefused);
  answerHttpErrors(app, terms);
  return app;
}
