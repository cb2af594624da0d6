/**
 * Serves a partitioned subgraph as one endpoint to routers that know no partitions. It splits operations as
 * the gateway does, and follows the subgraph's services as the gateway follows all. To its callers it is a
 * service: it requires the credential, keeps deadlines, and has health and metrics.
 */
import { ApolloServer, type ApolloServerPlugin } from "@apollo/server";
import { ApolloServerPluginInlineTraceDisabled } from "@apollo/server/plugin/disabled";
import { fastifyApolloDrainPlugin } from "@as-integrations/fastify";
import { refuseUnacceptable } from "@teranga/kit/http/acceptable.ts";
import { currentDeadlineAtMs } from "@teranga/kit/http/deadline.ts";
import { statusByMediaType } from "@teranga/kit/http/http-status.ts";
import { listen, type RunningServer } from "@teranga/kit/http/listen.ts";
import { logFaults } from "@teranga/kit/http/masked-errors.ts";
import { createApp, serveServices } from "@teranga/kit/http/server.ts";
import { IDENTITY_HEADER } from "@teranga/kit/identity/assertion.ts";
import { Registry } from "@teranga/kit/process/metrics.ts";
import type { ServiceOptions } from "@teranga/kit/process/run-service.ts";
import { partitionsOf, type Topology } from "@teranga/kit/topology/topology.ts";
import type { GraphQLSchema } from "graphql";
import { createFormatError } from "../door/client-errors.ts";
import { readDocuments } from "../door/document-reader.ts";
import { addGraphQLRoute } from "../door/graphql-route.ts";
import type { GatewayMetrics } from "../door/metrics.ts";
import { watchRequests } from "../door/request-log.ts";
import { answerJson } from "../ground/answer-json.ts";
import { DEFAULT_LIMITS, FIELDS_MAX } from "../ground/limits.ts";
import type { MakeEngine } from "../live/engines.ts";
import type { LiveGraph } from "../live/live-graph.ts";
import { type FollowOptions, type LiveServerParts, startLiveServer } from "../live/live-server.ts";
import type { PartitionSpec } from "../sources/partitions/partition-spec.ts";
import type { RequestContext, SentRequest } from "../sources/request-context.ts";
import { SubgraphEngine } from "./subgraph-engine.ts";
import { createRoutableRule, readSubgraphSchema } from "./subgraph-schema.ts";

export interface PartitionProxyOptions extends ServiceOptions, FollowOptions {
  subgraph: string;
  /** The bytes of services' answers that may be in use at a time. */
  answerBytesMax?: number | undefined;
  /** How long one request to a partition may take. Also the deadline of a caller that does not send one. */
  deadlineMs?: number;
  onSubgraphRequest?: (request: SentRequest) => void;
}

export interface PartitionProxy extends RunningServer {
  /**
   * Uses another topology. Running requests keep theirs.
   * @throws StartupError if the subgraph is not in it
   */
  update(topology: Topology): Promise<void>;
}

const DEADLINE_MS = 5_000;

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
  const { subgraph, credential, registry = new Registry() } = options;
  const specs = new WeakMap<GraphQLSchema, PartitionSpec>();
  const rule = createRoutableRule((schema) => specs.get(schema)!);
  const makeEngine: MakeEngine = (supergraph, sources) => {
    const read = readSubgraphSchema(supergraph, subgraph);
    specs.set(read.schema, read.spec);
    return new SubgraphEngine(supergraph, read, sources.get(subgraph)!);
  };
  const parts: LiveServerParts = {
    source: { kind: "topology", topology: onlyOf(options.topology, subgraph) },
    credential,
    registry,
    engineFor: () => makeEngine,
    serve: (live, metrics) => serve(live, rule, { ...options, metrics, registry }),
  };
  const { setTopology, ...server } = await startLiveServer(parts, options);
  return { ...server, update: async (topology) => setTopology(onlyOf(topology, subgraph)) };
}

/** The topology without all other subgraphs. @throws StartupError if it has no such partitioned subgraph */
function onlyOf(topology: Topology, subgraph: string): Topology {
  return { ...topology, placements: new Map([[subgraph, partitionsOf(topology, subgraph)]]) };
}

async function serve(
  live: LiveGraph,
  rule: ReturnType<typeof createRoutableRule>,
  options: PartitionProxyOptions & { metrics: GatewayMetrics; registry: Registry },
): Promise<RunningServer> {
  const { credential, port, door, log, standing, registry, metrics, deadlineMs = DEADLINE_MS } = options;
  const app = createApp(log, { door, registry });
  const checkReady = async () => apollo.assertStarted("the subgraph's schema is loaded");
  serveServices(app, { credential, registry, checkReady, notes: async () => standing?.notes() ?? [] });
  const requests = watchRequests(app, { log, metrics, mayExplain: false, nowMs: () => performance.now() });
  const apollo = new ApolloServer<RequestContext>({
    gateway: live.gateway,
    includeStacktraceInErrorResponses: false,
    stopOnTerminationSignals: false,
    logger: log,
    documentStore: null,
    formatError: createFormatError(() => true),
    stringifyResult: answerJson,
    plugins: [
      readDocuments({ limits: LIMITS, rules: [rule], hidesSchema: true }),
      logFaults<RequestContext>(({ log: requestLog }) => requestLog),
      refuseUnacceptable,
      statusByMediaType,
      requests.plugin,
      ApolloServerPluginInlineTraceDisabled(),
      fastifyApolloDrainPlugin(app) as ApolloServerPlugin<RequestContext>,
    ],
  });
  await apollo.start();
  await addGraphQLRoute(app, apollo, {
    log,
    recordOf: requests.recordOf,
    deadlineAtMs: () => currentDeadlineAtMs() ?? performance.now() + deadlineMs,
    fetchDeadlineMs: deadlineMs,
    // The cities believe it or not. Their answers are shared only by requests that say the same.
    forwardedHeaders: [IDENTITY_HEADER],
    answerBytesMax: options.answerBytesMax,
    onSubgraphRequest: options.onSubgraphRequest,
  });
  // Apollo's drain plugin closes the Fastify app.
  const close = () => apollo.stop();
  return { ...(await listen(app, port, close, door?.host)), close };
}
