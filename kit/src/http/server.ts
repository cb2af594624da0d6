/**
 * The HTTP server of a subgraph: GraphQL at /graphql for callers with the service credential, health and
 * metrics for everyone.
 */
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
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

/** The header by which one client request can be found in every service's log. */
export const REQUEST_ID_HEADER = "x-request-id";

/**
 * Bodies above this are refused before they are parsed. A batch of 1,000 protocol messages is about 300 kB.
 */
const BODY_BYTES_MAX = 1024 * 1024;

/** How soon a closing server notices that a connection has fallen idle. */
const IDLE_CHECK_MS = 20;

export interface SubgraphServerOptions<Context extends object> {
  /** The subgraph's schema, from `readSchema`. */
  typeDefs: string;
  // biome-ignore lint/suspicious/noExplicitAny: resolver types are checked where they are written
  resolvers: any;
  /** Makes the context of one request: its loaders, its logger. */
  createContext: (request: { requestId: string; log: Logger }) => Context;
  credential: string;
  port: number;
  /** What connections are granted. */
  door?: Door | undefined;
  log: Logger;
  /** Resolves if the service can do its work now; rejects if not. Behind /health/ready. */
  checkReady: () => Promise<unknown>;
  /**
   * What a person should look at although the service does its work, a line each. Shown behind /health/ready.
   */
  notes?: Notes;
  /** What is read at /metrics; nothing is there by default. */
  registry?: Registry;
  /**
   * What is said of an operation that failed because the database could not be reached, or was going down.
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
  /** Stops accepting, waits for the requests under way, closes. */
  close(): Promise<void>;
}

/** Reads a subgraph's SDL from the schema package. */
export function readSchema(name: "catalog" | "city" | "orders"): string {
  return readFileSync(new URL(`../../../schema/${name}.graphql`, import.meta.url), "utf8");
}

/** Starts a subgraph's server. @throws if the port is taken or the schema and resolvers do not fit. */
export async function startSubgraphServer<Context extends object>(
  options: SubgraphServerOptions<Context>,
): Promise<RunningServer> {
  const { credential, port, log, door, registry } = options;
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

  addHealth(app, options.checkReady, options.notes);
  if (options.registry) addMetrics(app, options.registry);
  app.addHook("onRequest", async (request, reply) => {
    if (isOpen(request.url) || isAuthorized(request.headers.authorization, credential)) return;
    const error = codedError("UNAUTHENTICATED", ERROR_CODES.UNAUTHENTICATED);
    await reply.code(401).send({ errors: [error.toJSON()] });
  });
  // After the credential's check: only a service's trace goes on here.
  traceRequests(app, "services");
  keepDeadlines(app);
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

/** What watches the services has no credential, and what it reads is no secret. */
function isOpen(url: string): boolean {
  return url.startsWith("/health/") || url === METRICS_PATH;
}

/**
 * Listens and says where. Connections whose request is under way when the app closes are ended after their
 * answer: left alone, a client that keeps them alive would hold the server open for over a minute.
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
    // By its name, Fastify would listen on a second server, which has no door.
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

/** How this machine itself reaches a server that listens there. */
function reachableHost(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return host.includes(":") ? `[${host}]` : host;
}

/** The caller's request id, or a new one. Anything that is not a plain short token is replaced. */
export function requestIdOf(request: FastifyRequest): string {
  const given = request.headers[REQUEST_ID_HEADER];
  return typeof given === "string" && /^[\w-]{1,64}$/.test(given) ? given : randomUUID();
}

/**
 * /health/live: the process runs. /health/ready: it can do its work, and what a person should look at
 * nevertheless; 503 if it cannot.
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
  /** Where it is counted what is refused; nowhere by default. */
  registry?: Registry | undefined;
}

/** An HTTP server whose faults before GraphQL (http-errors.ts) answer in GraphQL's shape too. */
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

/**
 * Lets errors that are meant for clients through as they are; anything else becomes a plain internal error.
 */
export function maskError(formatted: GraphQLFormattedError, error: unknown): GraphQLFormattedError {
  const said = requestError(formatted, error);
  if (isClientError(said.extensions)) return said;
  const { message, extensions } = new GraphQLError(ERROR_CODES.INTERNAL_SERVER_ERROR, {
    extensions: { code: "INTERNAL_SERVER_ERROR" },
  });
  return { ...formatted, message, extensions };
}

/**
 * Logs what `maskError` hides, with the request's own logger, so that the request id of an answer leads to
 * its cause.
 * @param isFault whether an error that is not meant for clients is one; all are by default
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
            // A database that is away fails every request until it is back: that is known, and said to the
            // client.
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

/** What Apollo Server says of a bad request, where it has no code for it or no words. */
function requestError(formatted: GraphQLFormattedError, error: unknown): GraphQLFormattedError {
  const { message, extensions } = formatted;
  if (extensions?.code === "GRAPHQL_PARSE_FAILED" && /^Maximum call stack/.test(message)) {
    return { ...formatted, message: "The document is nested too deep to be read." };
  }
  if (!(error instanceof GraphQLError) || error.originalError || error.path) return formatted;
  // graphql-js gives up after 50 of them, and this one has no code.
  if (/^Too many errors processing variables/.test(message)) {
    return { ...formatted, extensions: { ...extensions, code: "BAD_USER_INPUT" } };
  }
  // A persisted query whose hash is another document's has no code, but a status: 400.
  const { http, code } = error.extensions as { http?: { status?: number }; code?: unknown };
  const isRefusal = http?.status !== undefined && http.status >= 400 && http.status < 500;
  if (code !== undefined || !isRefusal) return formatted;
  return { ...formatted, extensions: { ...extensions, code: "BAD_REQUEST" } };
}
