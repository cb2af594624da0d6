/**
 * The HTTP server of a subgraph: GraphQL at /graphql for callers with the service credential, health for everyone.
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
import { StartupError } from "./config.ts";
import { isAuthorized } from "./credential.ts";
import { codedError, ERROR_CODES } from "./errors.ts";
import type { Logger } from "./log.ts";

/** The header by which one client request can be found in every service's log. */
export const REQUEST_ID_HEADER = "x-request-id";

/** Bodies above this are refused before they are parsed. A batch of 1,000 protocol messages is about 300 kB. */
export const BODY_BYTES_MAX = 1024 * 1024;

/** How soon a closing server notices that a connection has fallen idle. */
const IDLE_CHECK_MS = 20;

export interface SubgraphServerOptions<Context extends object> {
  /** The subgraph's schema, from `readSchema`. */
  typeDefs: string;
  // biome-ignore lint/suspicious/noExplicitAny: the generated resolver types of a service are checked where they are written
  resolvers: any;
  /** Makes the context of one request: its loaders, its logger. */
  createContext: (request: { requestId: string; log: Logger }) => Context;
  credential: string;
  port: number;
  log: Logger;
  /** Resolves if the service can do its work now; rejects if not. Behind /health/ready. */
  checkReady: () => Promise<unknown>;
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
  return readFileSync(new URL(`../../schema/${name}.graphql`, import.meta.url), "utf8");
}

/** Starts a subgraph's server. @throws if the port is taken or the schema and resolvers do not fit. */
export async function startSubgraphServer<Context extends object>(
  options: SubgraphServerOptions<Context>,
): Promise<RunningServer> {
  const { credential, port, log } = options;
  const app = fastify({ bodyLimit: BODY_BYTES_MAX, forceCloseConnections: "idle" });
  const apollo = new ApolloServer<Context>({
    schema: buildSubgraphSchema([{ typeDefs: parse(options.typeDefs), resolvers: options.resolvers }]),
    introspection: true,
    includeStacktraceInErrorResponses: false,
    stopOnTerminationSignals: false,
    logger: log,
    formatError: (formatted, error) => maskError(formatted, error, log),
    plugins: [
      ApolloServerPluginInlineTraceDisabled(),
      fastifyApolloDrainPlugin(app) as ApolloServerPlugin<Context>,
    ],
  });
  await apollo.start();

  addHealth(app, options.checkReady);
  answerErrorsAsGraphQL(app, log);
  app.addHook("onRequest", async (request, reply) => {
    if (request.url.startsWith("/health/") || isAuthorized(request.headers.authorization, credential)) return;
    const error = codedError("UNAUTHENTICATED", ERROR_CODES.UNAUTHENTICATED);
    await reply.code(401).send({ errors: [error.toJSON()] });
  });
  await app.register(fastifyApollo(apollo), {
    context: async (request) => {
      const requestId = requestIdOf(request);
      return options.createContext({ requestId, log: log.child({ requestId }) });
    },
  });
  const bound = await listen(app, port, () => apollo.stop());
  // Apollo's drain plugin closes the Fastify app.
  return { url: `http://127.0.0.1:${bound}/graphql`, port: bound, close: () => apollo.stop() };
}

/**
 * Listens and returns the port. Connections whose request is under way when the app closes are ended after their answer:
 * left alone, a client that keeps them alive would hold the server open for over a minute.
 * @throws StartupError if the port is taken, after running `stop`
 */
export async function listen(app: FastifyInstance, port: number, stop: () => Promise<void>): Promise<number> {
  app.addHook("preClose", async () => {
    const timer = setInterval(() => app.server.closeIdleConnections(), IDLE_CHECK_MS);
    app.server.once("close", () => clearInterval(timer));
  });
  try {
    await app.listen({ port, host: "127.0.0.1" });
  } catch (error) {
    await stop();
    if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    throw new StartupError(`Port ${port} is taken`);
  }
  return (app.server.address() as { port: number }).port;
}

/** The caller's request id, or a new one. Anything that is not a plain short token is replaced. */
export function requestIdOf(request: FastifyRequest): string {
  const given = request.headers[REQUEST_ID_HEADER];
  return typeof given === "string" && /^[\w-]{1,64}$/.test(given) ? given : randomUUID();
}

/** /health/live: the process runs. /health/ready: it can do its work; 503 with the reason's name if not. */
export function addHealth(app: FastifyInstance, checkReady: () => Promise<unknown>): void {
  app.get("/health/live", async () => ({ status: "live" }));
  app.get("/health/ready", async (_request, reply) => {
    try {
      await checkReady();
      return { status: "ready" };
    } catch {
      return reply.code(503).send({ status: "not ready" });
    }
  });
}

/** Faults before GraphQL (a body too large, not JSON, an unknown path) answer in GraphQL's shape too. */
export function answerErrorsAsGraphQL(app: FastifyInstance, log: Logger): void {
  app.setErrorHandler(async (error: { statusCode?: number; message: string }, _request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) log.error({ err: error }, "request failed");
    const code =
      status === 413 ? "REQUEST_TOO_LARGE" : status < 500 ? "BAD_USER_INPUT" : "INTERNAL_SERVER_ERROR";
    const message = status < 500 ? error.message : ERROR_CODES.INTERNAL_SERVER_ERROR;
    return reply.code(status).send({ errors: [codedError(code, message).toJSON()] });
  });
}

/** Lets coded errors through as they are; anything else is logged and becomes a plain internal error. */
export function maskError(
  formatted: GraphQLFormattedError,
  error: unknown,
  log: Logger,
): GraphQLFormattedError {
  const code = formatted.extensions?.code;
  if (typeof code === "string" && code !== "INTERNAL_SERVER_ERROR") return formatted;
  const original = unwrapResolverError(error);
  log.error({ err: original, path: formatted.path }, "an operation failed on a fault of ours");
  const { message, extensions } = new GraphQLError(ERROR_CODES.INTERNAL_SERVER_ERROR, {
    extensions: { code: "INTERNAL_SERVER_ERROR" },
  });
  return { ...formatted, message, extensions };
}
