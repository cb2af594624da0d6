/**
 * The HTTP server of a subgraph: GraphQL at /graphql for callers with the service credential; health and
 * metrics for every caller.
 */
import { randomUUID } from "node:crypto";
import { ApolloServer, type ApolloServerPlugin } from "@apollo/server";
import { unwrapResolverError } from "@apollo/server/errors";
import { ApolloServerPluginInlineTraceDisabled } from "@apollo/server/plugin/disabled";
import { buildSubgraphSchema } from "@apollo/subgraph";
import fastifyApollo, { fastifyApolloDrainPlugin } from "@as-integrations/fastify";
import fastify, { type FastifyInstance, type FastifyRequest } from "fastify";
import { GraphQLError, type GraphQLFormattedError, parse } from "graphql";
import { codedError, ERROR_CODES, isClientError } from "../graphql/errors.ts";
import { withOutcomes } from "../graphql/mutation-outcome.ts";
import { classifyDatabaseError } from "../postgres/database.ts";
import { StartupError } from "../process/config.ts";
import type { Logger } from "../process/log.ts";
import { addMetrics, METRICS_PATH, Registry } from "../process/metrics.ts";
import { traceRequests } from "../process/tracing.ts";
import { refuseUnacceptable } from "./acceptable.ts";
import { isAuthorized } from "./credential.ts";
import { keepDeadlines } from "./deadline.ts";
import { DEFAULT_DOOR, type Door, httpOptions, keepDoor } from "./door.ts";
import { answerHttpErrors, httpErrorOptions } from "./http-errors.ts";
import { statusByMediaType } from "./http-status.ts";
import { countRefusals } from "./refusals.ts";
import { refusalOptions, shortRefusals } from "./short-refusals.ts";

/** This header's value finds one client request in every service's log. */
export const REQUEST_ID_HEADER = "x-request-id";

/** Larger bodies are refused before they are parsed. A batch of 1,000 protocol messages is about 300 kB. */
const BODY_BYTES_MAX = 1024 * 1024;

/** How soon a closing server notices that a connection is idle. */
const IDLE_CHECK_MS = 20;

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
  /** The subgraph's SDL. */
  typeDefs: string;
  // biome-ignore lint/suspicious/noExplicitAny: resolver types are checked where they are written
  resolvers: any;
  /** Makes the context of one request, with its loaders and its logger. */
  createContext: (request: { requestId: string; log: Logger }) => Context;
  port: number;
  /** The limits for connections. */
  door?: Door | undefined;
  log: Logger;
  /**
   * The error for an operation that failed because the database could not be reached or was shutting down.
   */
  unavailable?: GraphQLError;
}

export type Notes = () => Promise<readonly string[]>;

interface RequestLog {
  requestLog: Logger;
}

export interface RunningServer {
  /** The GraphQL endpoint. */
  url: string;
  port: number;
  /** Stops accepting requests, waits for those under way, and closes. */
  close(): Promise<void>;
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
  const apollo = new ApolloServer<Context & RequestLog>({
    schema: buildSubgraphSchema([{ typeDefs: parse(options.typeDefs), resolvers: withOutcomes(options) }]),
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
      ApolloServerPluginInlineTraceDisabled(),
      fastifyApolloDrainPlugin(app) as ApolloServerPlugin<Context & RequestLog>,
    ],
  });
  await apollo.start();

  serveServices(app, options);
  await app.register(fastifyApollo(apollo), {
    context: async (request) => {
      const requestId = requestIdOf(request);
      const requestLog = log.child({ requestId });
      return { ...options.createContext({ requestId, log: requestLog }), requestLog };
    },
  });
  // Apollo's drain plugin closes the Fastify app.
  const close = () => apollo.stop();
  return { ...(await listen(app, port, close, door?.host)), close };
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

/** Monitoring has no credential, and these paths show no secret. */
function isOpen(url: string): boolean {
  return url.startsWith("/health/") || url === METRICS_PATH;
}

/**
 * Listens and returns the address. When the app closes, a connection with a request under way is
 * ended after its answer. Otherwise a client that keeps the connection alive would hold the
 * server open for over a minute.
 * @throws StartupError if the port is taken, after running `stop`
 */
export async function listen(
  app: FastifyInstance,
  port: number,
  stop: () => Promise<void>,
  host = DEFAULT_DOOR.host,
): Promise<Pick<RunningServer, "url" | "port">> {
  app.addHook("preClose", async () => {
    const timer = setInterval(() => app.server.closeIdleConnections(), IDLE_CHECK_MS);
    app.server.once("close", () => clearInterval(timer));
  });
  try {
    // For the name "localhost" Fastify would start a second server, which has no door.
    await app.listen({ port, host: host === "localhost" ? "127.0.0.1" : host });
  } catch (error) {
    await stop();
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EADDRINUSE") throw new StartupError(`Port ${port} is taken`);
    if (code === "EADDRNOTAVAIL" || code === "ENOTFOUND" || code === "EINVAL") {
      throw new StartupError(`HOST: this machine has no address ${host}`);
    }
    throw error;
  }
  const { port: bound } = app.server.address() as { port: number };
  return { url: `http://${reachableHost(host)}:${bound}/graphql`, port: bound };
}

/** The host by which this machine reaches a server that listens there. */
function reachableHost(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return host.includes(":") ? `[${host}]` : host;
}

/** The caller's request id, or a new one. Any value other than a plain short token is replaced. */
export function requestIdOf(request: FastifyRequest): string {
  const given = request.headers[REQUEST_ID_HEADER];
  return typeof given === "string" && /^[\w-]{1,64}$/.test(given) ? given : randomUUID();
}

/**
 * /health/live: the process runs. /health/ready: the service can do its work, with
 * notes for people; 503 if it cannot.
 */
export function addHealth(
  app: FastifyInstance,
  checkReady: () => Promise<unknown>,
  notes: Notes = async () => [],
): void {
  app.get("/health/live", async () => ({ status: "live" }));
  app.get("/health/ready", async (_request, reply) => {
    try {
      await checkReady();
      const found = await notes();
      return { status: "ready", ...(found.length > 0 && { notes: found }) };
    } catch {
      return reply.code(503).send({ status: "not ready" });
    }
  });
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
  });
  keepDoor(app, door, onRefused);
  answerHttpErrors(app, terms);
  return app;
}

/** Passes errors that are meant for clients. Any other error becomes a plain internal error. */
export function maskError(formatted: GraphQLFormattedError, error: unknown): GraphQLFormattedError {
  const said = requestError(formatted, error);
  if (isClientError(said.extensions)) return said;
  const { message, extensions } = new GraphQLError(ERROR_CODES.INTERNAL_SERVER_ERROR, {
    extensions: { code: "INTERNAL_SERVER_ERROR" },
  });
  return { ...formatted, message, extensions };
}

/**
 * Logs what `maskError` hides, with the request's own logger, so that an answer's
 * request id leads to the cause.
 * @param isFault whether an error that is not meant for clients is a fault; all are by default
 */
export function logFaults<Context extends object>(
  logOf: (context: Context) => Logger,
  isFault: (error: GraphQLError) => boolean = () => true,
): ApolloServerPlugin<Context> {
  return {
    async requestDidStart() {
      return {
        async didEncounterErrors({ errors, contextValue }) {
          for (const error of errors) {
            if (isClientError(requestError(error.toJSON(), error).extensions) || !isFault(error)) continue;
            const original = unwrapResolverError(error);
            const line = { err: original, path: error.path };
            // A database that is away fails every request until it is back. The cause is
            // known, and the client is told.
            if (isDatabaseAway(error)) logOf(contextValue).warn(line, "the database is away");
            else logOf(contextValue).error(line, "an operation failed on a fault of ours");
          }
        },
      };
    },
  };
}

function isDatabaseAway(error: unknown): boolean {
  return classifyDatabaseError(unwrapResolverError(error)).kind === "transient";
}

/** Codes and words for requests that Apollo Server refuses without a code or with none of its own words. */
function requestError(formatted: GraphQLFormattedError, error: unknown): GraphQLFormattedError {
  const { message, extensions } = formatted;
  if (extensions?.code === "GRAPHQL_PARSE_FAILED" && /^Maximum call stack/.test(message)) {
    return { ...formatted, message: "The document is nested too deep to be read." };
  }
  if (!(error instanceof GraphQLError) || error.originalError || error.path) return formatted;
  // graphql-js stops after 50 errors, and this last error has no code.
  if (/^Too many errors processing variables/.test(message)) {
    return { ...formatted, extensions: { ...extensions, code: "BAD_USER_INPUT" } };
  }
  // Apollo Server gives this error a status, 400, but no code: the hash of a persisted
  // query belongs to another document.
  const { http, code } = error.extensions as { http?: { status?: number }; code?: unknown };
  const isRefusal = http?.status !== undefined && http.status >= 400 && http.status < 500;
  if (code !== undefined || !isRefusal) return formatted;
  return { ...formatted, extensions: { ...extensions, code: "BAD_REQUEST" } };
}
