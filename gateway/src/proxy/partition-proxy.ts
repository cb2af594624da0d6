/**
 * Serves a partitioned subgraph as one endpoint to routers that know no partitions. It splits operations as
 * the gateway does. To its callers it is a service: it requires the credential, keeps deadlines, and has
 * health and metrics.
 */
import { ApolloServer, type ApolloServerPlugin } from "@apollo/server";
import { ApolloServerPluginInlineTraceDisabled } from "@apollo/server/plugin/disabled";
import fastifyApollo, { fastifyApolloDrainPlugin } from "@as-integrations/fastify";
import { codedError, ERROR_CODES } from "@teranga/kit/graphql/errors.ts";
import { refuseUnacceptable } from "@teranga/kit/http/acceptable.ts";
import { isAuthorized } from "@teranga/kit/http/credential.ts";
import { currentDeadlineAtMs, keepDeadlines } from "@teranga/kit/http/deadline.ts";
import { statusByMediaType } from "@teranga/kit/http/http-status.ts";
import {
  addHealth,
  createApp,
  listen,
  logFaults,
  type RunningServer,
  requestIdOf,
} from "@teranga/kit/http/server.ts";
import { createTransport } from "@teranga/kit/http/transport.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import { addMetrics, METRICS_PATH, Registry } from "@teranga/kit/process/metrics.ts";
import type { ServiceOptions } from "@teranga/kit/process/run-service.ts";
import { closeAll } from "@teranga/kit/process/shutdown.ts";
import { traceRequests } from "@teranga/kit/process/tracing.ts";
import type { Topology } from "@teranga/kit/topology/topology.ts";
import type { FastifyInstance } from "fastify";
import { createFormatError } from "../door/client-errors.ts";
import { readDocuments } from "../door/document-reader.ts";
import { createGatewayMetrics, type GatewayMetrics } from "../door/metrics.ts";
import { watchRequests } from "../door/request-log.ts";
import { answerJson } from "../ground/answer-json.ts";
import { AnswerRoom, holdingOf } from "../ground/answer-room.ts";
import { DEFAULT_LIMITS, FIELDS_MAX } from "../ground/limits.ts";
import { createNetworks } from "../network/network.ts";
import { createAnswerBudget } from "../sources/answer-budget.ts";
import type { RunContext, SentRequest } from "../sources/request-context.ts";
import { LiveSubgraph } from "./live-subgraph.ts";
import { SubgraphGateway } from "./subgraph-gateway.ts";
import { createRoutableRule } from "./subgraph-schema.ts";

export interface PartitionProxyOptions extends ServiceOptions {
  subgraph: string;
  /** The bytes of services' answers that may be in use at a time. */
  answerBytesMax?: number | undefined;
  /** How long one request to a partition may take. Also the deadline of a caller that does not send one. */
  deadlineMs?: number;
  /** How long the start waits for a partition to answer. */
  startupWaitMs?: number;
  /** How often the partitions are asked for their schema. */
  schemaPollMs?: number;
  onSubgraphRequest?: (request: SentRequest) => void;
}

export interface PartitionProxy extends RunningServer {
  /**
   * Uses another topology. Running requests keep theirs.
   * @throws StartupError if the subgraph is not in it
   */
  update(topology: Topology): void;
}

const DEADLINE_MS = 5_000;
const STARTUP_WAIT_MS = 60_000;
const SCHEMA_POLL_MS = 10_000;

/**
 * Routers merge fetches, with an alias for each, and wrap them in `_entities`. Limits on what multiplies are
 * those for clients.
 */
const LIMITS = {
  ...DEFAULT_LIMITS,
  depthMax: DEFAULT_LIMITS.depthMax + 2,
  aliasesMax: FIELDS_MAX,
  rootFieldsMax: FIELDS_MAX,
};

/**
 * Starts the proxy.
 * @throws StartupError if no partition answers, the subgraph cannot be split, or the port is taken
 */
export async function startPartitionProxy(options: PartitionProxyOptions): Promise<PartitionProxy> {
  const { credential, log, registry = new Registry() } = options;
  const transport = createTransport({ credential });
  const state = { plans: () => 0, generation: 0, omitted: () => 0 };
  const metrics = createGatewayMetrics(registry, () => ({
    plans: state.plans(),
    generation: state.generation,
    omitted: state.omitted(),
    circuits: networks.circuits(),
  }));
  const nowMs = () => performance.now();
  const networks = createNetworks({ send: transport.send, nowMs, log, observer: metrics });
  const closeNetwork = [
    { name: "the probes", close: networks.close },
    { name: "the connections", close: transport.close },
  ];
  try {
    const live = new LiveSubgraph({ ...options, networks, send: transport.send });
    const first = await live.firstSchema(options.startupWaitMs ?? STARTUP_WAIT_MS);
    const gateway = new SubgraphGateway(first);
    Object.assign(state, { plans: () => gateway.operationCount, omitted: () => live.omitted });
    const server = await serve(gateway, live, { metrics, registry }, options);
    const watch = live.watchSchema(options.schemaPollMs ?? SCHEMA_POLL_MS, (schema) => {
      gateway.update(schema);
      state.generation++;
    });
    const steps = [
      { name: "the schema poll", close: watch.stop },
      { name: "the server", close: server.close },
      ...closeNetwork,
    ];
    return { ...server, update: (topology) => live.update(topology), close: () => closeAll(steps) };
  } catch (error) {
    await closeAll(closeNetwork);
    throw error;
  }
}

async function serve(
  gateway: SubgraphGateway,
  live: LiveSubgraph,
  { metrics, registry }: { metrics: GatewayMetrics; registry: Registry },
  {
    credential,
    port,
    door,
    log,
    standing,
    answerBytesMax,
    onSubgraphRequest,
    deadlineMs = DEADLINE_MS,
  }: PartitionProxyOptions,
): Promise<RunningServer> {
  const app = createApp(log, { door, registry });
  const checkReady = async () => apollo.assertStarted("the subgraph's schema is loaded");
  addHealth(app, checkReady, async () => standing?.notes() ?? []);
  addMetrics(app, registry);
  app.addHook("onRequest", async (request, reply) => {
    const isOpen = request.url.startsWith("/health/") || request.url === METRICS_PATH;
    if (isOpen || isAuthorized(request.headers.authorization, credential)) return;
    const error = codedError("UNAUTHENTICATED", ERROR_CODES.UNAUTHENTICATED);
    await reply.code(401).send({ errors: [error.toJSON()] });
  });
  traceRequests(app, "services");
  keepDeadlines(app);
  const watch = watchRequests(app, { log, metrics, mayExplain: false, nowMs: () => performance.now() });
  const apollo = createApollo(app, gateway, watch.plugin, log);
  await apollo.start();
  const room = new AnswerRoom({ bytesMax: answerBytesMax });
  await app.register(fastifyApollo(apollo), {
    context: async (request, reply) => {
      const requestId = requestIdOf(request);
      const record = watch.recordOf(request);
      return {
        requestId,
        record,
        log: log.child({ requestId }),
        network: live.network,
        deadlineAtMs: currentDeadlineAtMs() ?? performance.now() + deadlineMs,
        fetchDeadlineMs: deadlineMs,
        forwardedHeaders: {},
        unavailable: new Set<string>(),
        budget: createAnswerBudget(),
        holding: holdingOf(reply.raw, room),
        onSubgraphRequest,
      };
    },
  });
  // Apollo's drain plugin closes the Fastify app.
  const close = () => apollo.stop();
  return { ...(await listen(app, port, close, door?.host)), close };
}

function createApollo(
  app: FastifyInstance,
  gateway: SubgraphGateway,
  noteOperations: ApolloServerPlugin<RunContext>,
  log: Logger,
): ApolloServer<RunContext> {
  return new ApolloServer<RunContext>({
    gateway,
    includeStacktraceInErrorResponses: false,
    stopOnTerminationSignals: false,
    logger: log,
    documentStore: null,
    formatError: createFormatError(() => true),
    stringifyResult: answerJson,
    plugins: [
      readDocuments({
        limits: LIMITS,
        rules: [createRoutableRule(() => gateway.subgraph.spec)],
        hidesSchema: true,
      }),
      logFaults<RunContext>(({ log: requestLog }) => requestLog),
      refuseUnacceptable,
      statusByMediaType,
      noteOperations,
      ApolloServerPluginInlineTraceDisabled(),
      fastifyApolloDrainPlugin(app) as ApolloServerPlugin<RunContext>,
    ],
  });
}
