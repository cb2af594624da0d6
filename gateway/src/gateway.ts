/** The gateway: one GraphQL endpoint over all services. It keeps nothing; any number of them can run side by side. */
import { ApolloGateway, type GraphQLDataSource } from "@apollo/gateway";
import { ApolloServer, type ApolloServerPlugin } from "@apollo/server";
import { ApolloServerPluginLandingPageLocalDefault } from "@apollo/server/plugin/landingPage/default";
import fastifyApollo, { fastifyApolloDrainPlugin } from "@as-integrations/fastify";
import cors from "@fastify/cors";
import { StartupError } from "@teranga/kit/config.ts";
import type { Logger } from "@teranga/kit/log.ts";
import {
  addHealth,
  createApp,
  listen,
  logFaults,
  REQUEST_ID_HEADER,
  type RunningServer,
  requestIdOf,
} from "@teranga/kit/server.ts";
import { closeAll } from "@teranga/kit/shutdown.ts";
import type { Topology } from "@teranga/kit/topology.ts";
import { traceRequests } from "@teranga/kit/tracing.ts";
import { createTransport, type Send } from "@teranga/kit/transport.ts";
import { startWorker } from "@teranga/kit/worker.ts";
import type { FastifyInstance } from "fastify";
import { createAnswerBudget } from "./answer-budget.ts";
import { createFormatError, isFaultOf, operationIsKnown } from "./client-errors.ts";
import { checkLate, composeLive, type UncheckedPartition } from "./compose-live.ts";
import { createDocumentStore } from "./document-store.ts";
import { visibleErrorPaths } from "./error-paths.ts";
import { sizeRule, TOKENS_MAX } from "./limits.ts";
import type { GatewayContext } from "./request-context.ts";
import { reservedNamesRule } from "./reserved-names.ts";
import type { SentRequest } from "./source.ts";
import { createSources } from "./sources.ts";
import { readSupergraph } from "./supergraph.ts";

/** Where the graph comes from: composed from the running services, or a supergraph made elsewhere. */
export type GatewaySource =
  | { kind: "topology"; topology: Topology }
  | { kind: "supergraph"; supergraphSdl: string; topology?: Topology };

export interface GatewayOptions {
  source: GatewaySource;
  /** What the services ask for; foreign services need none. */
  credential?: string | undefined;
  port: number;
  log: Logger;
  /** How long one request to a service may take. */
  deadlineMs?: number;
  /** How long to wait at the start for the services to come up. */
  startupWaitMs?: number;
  /** How often partitions that were down at the start are looked for, to compare their schema. */
  lateCheckIntervalMs?: number;
  /** Called for each request to a service just before it is sent. */
  onSubgraphRequest?: (request: SentRequest) => void;
}

const DEADLINE_MS = 5_000;
const STARTUP_WAIT_MS = 60_000;
const LATE_CHECK_INTERVAL_MS = 5_000;

/** Apollo Sandbox, hosted and embedded, and pages of a developer's own machine. */
const CORS_ORIGINS = [
  "https://studio.apollographql.com",
  "https://sandbox.embed.apollographql.com",
  /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/,
];

/** Starts a gateway. @throws StartupError if the graph cannot be had or the port is taken */
export async function startGateway(options: GatewayOptions): Promise<RunningServer> {
  const { source, credential, log } = options;
  const transport = createTransport({ credential });
  try {
    const { supergraphSdl, unchecked } = await loadSupergraph(options, transport.send);
    const sources = createSources(readSupergraph(supergraphSdl), source.topology, {
      send: transport.send,
      deadlineMs: options.deadlineMs ?? DEADLINE_MS,
      nowMs: () => performance.now(),
      log,
      onSubgraphRequest: options.onSubgraphRequest,
    });
    const server = await serve(supergraphSdl, sources, options);
    const late = watchLatePartitions(unchecked, transport.send, options);
    const close = () =>
      closeAll([
        { name: "the schema check", close: late },
        { name: "the server", close: server.close },
        { name: "the connections", close: transport.close },
      ]);
    return { ...server, close };
  } catch (error) {
    await transport.close();
    throw error;
  }
}

async function loadSupergraph(
  { source, log, startupWaitMs = STARTUP_WAIT_MS }: GatewayOptions,
  send: Send,
): Promise<{ supergraphSdl: string; unchecked: UncheckedPartition[] }> {
  switch (source.kind) {
    case "topology":
      return composeLive({ topology: source.topology, send, log, waitMs: startupWaitMs });
    case "supergraph":
      return { supergraphSdl: source.supergraphSdl, unchecked: [] };
    default:
      return source satisfies never;
  }
}

/** Compares the schemas of partitions that come up later; returns how to stop. */
function watchLatePartitions(
  unchecked: readonly UncheckedPartition[],
  send: Send,
  { log, lateCheckIntervalMs = LATE_CHECK_INTERVAL_MS }: GatewayOptions,
): () => Promise<void> {
  if (unchecked.length === 0) return async () => {};
  let waiting = [...unchecked];
  const worker = startWorker({
    name: "schema check",
    intervalMs: lateCheckIntervalMs,
    log,
    step: async () => {
      waiting = await checkLate(waiting, send, log);
      return false;
    },
  });
  return () => worker.stop();
}

async function serve(
  supergraphSdl: string,
  sources: ReadonlyMap<string, GraphQLDataSource<GatewayContext>>,
  { source, port, log }: GatewayOptions,
): Promise<RunningServer> {
  const app = createApp(log);
  // Who names a subgraph in a topology runs it as services of ours. Any other is somebody else's, known from the supergraph.
  const isOurs = (subgraph: string) => source.topology?.placements.has(subgraph) === true;
  const apollo = createApollo(app, supergraphSdl, sources, isOurs, log);
  await startApollo(apollo);
  await app.register(cors, { origin: CORS_ORIGINS, exposedHeaders: [REQUEST_ID_HEADER] });
  addHealth(app, async () => apollo.assertStarted("the gateway's supergraph is loaded"));
  app.addHook("onRequest", async (request, reply) => {
    const requestId = requestIdOf(request);
    request.headers[REQUEST_ID_HEADER] = requestId;
    reply.header(REQUEST_ID_HEADER, requestId);
  });
  traceRequests(app, "anyone");
  await app.register(fastifyApollo(apollo), {
    context: async (request) => {
      const requestId = requestIdOf(request);
      const unavailable = new Set<string>();
      return { requestId, log: log.child({ requestId }), unavailable, budget: createAnswerBudget() };
    },
  });
  const bound = await listen(app, port, () => apollo.stop());
  // Apollo's drain plugin closes the Fastify app.
  return { url: `http://127.0.0.1:${bound}/graphql`, port: bound, close: () => apollo.stop() };
}

function createApollo(
  app: FastifyInstance,
  supergraphSdl: string,
  sources: ReadonlyMap<string, GraphQLDataSource<GatewayContext>>,
  isOurs: (subgraph: string) => boolean,
  log: Logger,
): ApolloServer<GatewayContext> {
  return new ApolloServer<GatewayContext>({
    gateway: new ApolloGateway({
      supergraphSdl,
      buildService: ({ name }) => sources.get(name)!,
      logger: log,
    }),
    introspection: true,
    includeStacktraceInErrorResponses: false,
    stopOnTerminationSignals: false,
    logger: log,
    parseOptions: { maxTokens: TOKENS_MAX },
    // Query plans are kept by the query planner, persisted queries by Apollo Server: 30 MiB of their JSON each.
    documentStore: createDocumentStore(),
    validationRules: [sizeRule, reservedNamesRule],
    formatError: createFormatError(isOurs),
    plugins: [
      logFaults(({ log }) => log, isFaultOf(isOurs)),
      operationIsKnown,
      visibleErrorPaths,
      ApolloServerPluginLandingPageLocalDefault({ embed: { initialState: { pollForSchemaUpdates: false } } }),
      fastifyApolloDrainPlugin(app) as ApolloServerPlugin<GatewayContext>,
    ],
  });
}

/** The planner refuses a document that is not a supergraph only when it starts. */
async function startApollo(apollo: ApolloServer<GatewayContext>): Promise<void> {
  try {
    await apollo.start();
  } catch (error) {
    throw new StartupError(`Supergraph: ${(error as Error).message.split("\n")[0]}`);
  }
}
