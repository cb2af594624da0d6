/**
 * The gateway: one GraphQL endpoint over all services. It is stateless, so any number of gateways can run
 * side by side.
 */
import { ApolloServer, type ApolloServerPlugin } from "@apollo/server";
import { fastifyApolloDrainPlugin } from "@as-integrations/fastify";
import cors from "@fastify/cors";
import { DEFAULT_DOOR, type Door } from "@teranga/kit/http/door.ts";
import {
  addHealth,
  createApp,
  listen,
  REQUEST_ID_HEADER,
  type RunningServer,
  requestIdOf,
} from "@teranga/kit/http/server.ts";
import { createTransport } from "@teranga/kit/http/transport.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import { createProcessRegistry } from "@teranga/kit/process/metrics.ts";
import { closeAll } from "@teranga/kit/process/shutdown.ts";
import { traceRequests } from "@teranga/kit/process/tracing.ts";
import { createTopologyStanding, type TopologyStanding } from "@teranga/kit/topology/topology-standing.ts";
import { addGraphQLRoute } from "./door/graphql-route.ts";
import {
  addGatewayMetrics,
  createGatewayMetrics,
  type GatewayMetrics,
  type GatewayState,
} from "./door/metrics.ts";
import { corsOriginsOf, refuseForeignHosts } from "./door/origins.ts";
import { watchRequests } from "./door/request-log.ts";
import { letSafeGetsPass } from "./door/safe-gets.ts";
import { type Surface, surfaceOf, surfaceOptions } from "./door/surface.ts";
import { type EngineName, engineMaker } from "./live/engines.ts";
import { type GraphSource, startGraphWatch } from "./live/graph-watch.ts";
import { LiveGraph } from "./live/live-graph.ts";
import { createNetworks, type NetworkObserver } from "./network/network.ts";
import type { RequestContext, SentRequest } from "./sources/request-context.ts";

export interface GatewayOptions {
  source: GraphSource;
  /** Who carries operations out; `teranga` by default. */
  engine?: EngineName | undefined;
  /** The credential that our services require. Foreign services need none. */
  credential?: string | undefined;
  port: number;
  /** The limits on connections. */
  door?: Door | undefined;
  /** The bytes of services' answers that may be in use at a time. */
  answerBytesMax?: number | undefined;
  /** The URL for clients, if it differs from the address on which the gateway listens. */
  publicUrl?: string | undefined;
  /** The origins whose pages may ask; by default those of the mode. */
  corsOrigins?: readonly string[] | undefined;
  log: Logger;
  /** The surface that clients meet; by default that of production. */
  surface?: Surface;
  /** How long one request to a service may take. A client's request may take three times as long. */
  deadlineMs?: number;
  /** The names, in lower case, of the client's headers that services may see. None by default. */
  forwardedHeaders?: readonly string[];
  /**
   * Whether equal queries to a service that are under way at the same time share one request. True by
   * default.
   */
  shareQueries?: boolean;
  /** How long the start waits for the services. */
  startupWaitMs?: number;
  /** Where the last supergraph is kept, for a start without any service. By default it is not kept. */
  cacheFile?: string | undefined;
  /** How often services are asked for their schemas. */
  schemaPollMs?: number;
  /** Called for each request to a service just before it is sent. */
  onSubgraphRequest?: (request: SentRequest) => void;
}

const DEADLINE_MS = 5_000;
/** A plan has a few consecutive steps, and each may meet a service that hangs. */
const DEADLINES_A_REQUEST = 3;
const STARTUP_WAIT_MS = 60_000;
const SCHEMA_POLL_MS = 10_000;

/** Starts a gateway. @throws StartupError if there is no graph or the port is taken */
export async function startGateway(options: GatewayOptions): Promise<RunningServer> {
  const { credential, log, shareQueries = true } = options;
  const transport = createTransport({ credential });
  const telemetry = createTelemetry(options);
  const { send } = transport;
  const nowMs = () => performance.now();
  const networks = createNetworks({ send, nowMs, log, shareQueries, observer: telemetry.observer });
  const closing = [
    { name: "the probes", close: networks.close },
    { name: "the connections", close: transport.close },
  ];
  try {
    const watch = await startGraphWatch({
      source: options.source,
      send,
      log,
      standing: telemetry.standing,
      cacheFile: options.cacheFile,
      pollMs: options.schemaPollMs ?? SCHEMA_POLL_MS,
      startupWaitMs: options.startupWaitMs ?? STARTUP_WAIT_MS,
    });
    closing.unshift({ name: "the watch over the graph", close: watch.stop });
    const { engine = "teranga", surface } = options;
    const { observer } = telemetry;
    const makeEngine = engineMaker(engine, { observer, limits: surface?.limits, log });
    const live = await LiveGraph.start(watch, { makeEngine, networks });
    telemetry.show(() => ({
      plans: live.gateway.engine.operationCount,
      generation: live.generation,
      omitted: watch.omitted().length,
      circuits: networks.circuits(),
    }));
    const server = await serve(live, telemetry, options);
    watch.follow(live);
    closing.unshift({ name: "the server", close: server.close });
    return { ...server, close: () => closeAll(closing) };
  } catch (error) {
    await closeAll(closing);
    throw error;
  }
}

interface Telemetry {
  standing: TopologyStanding;
  registry: ReturnType<typeof createProcessRegistry>;
  metrics: GatewayMetrics;
  /** Hears what happens on the network and in the graph. */
  observer: NetworkObserver & GatewayMetrics;
  /** Sets the function that the gauges read their state from. */
  show: (state: () => GatewayState) => void;
}

function createTelemetry({ surface }: GatewayOptions): Telemetry {
  const registry = createProcessRegistry();
  let state: () => GatewayState = () => ({ plans: 0, generation: 0, omitted: 0, circuits: [] });
  const metrics = createGatewayMetrics(registry, () => state(), surface?.safelist?.operationNames);
  const show = (shown: () => GatewayState) => {
    state = shown;
  };
  return { registry, metrics, observer: metrics, show, standing: createTopologyStanding(registry) };
}

async function serve(
  live: LiveGraph,
  { registry, metrics, standing }: Telemetry,
  options: GatewayOptions,
): Promise<RunningServer> {
  const {
    credential,
    port,
    door,
    log,
    surface = surfaceOf("production"),
    deadlineMs = DEADLINE_MS,
  } = options;
  const app = createApp(log, { bodyBytesMax: surface.limits.bodyBytesMax, door, registry });
  const { publicUrl, corsOrigins } = options;
  refuseForeignHosts(app, surface, { host: door?.host ?? DEFAULT_DOOR.host, publicUrl });
  await app.register(cors, {
    origin: corsOriginsOf(surface, corsOrigins),
    exposedHeaders: [REQUEST_ID_HEADER],
    // Any OPTIONS is answered like a preflight: the refusal of others is plain text.
    strictPreflight: false,
  });
  app.addHook("onRequest", async (request, reply) => {
    const requestId = requestIdOf(request);
    request.headers[REQUEST_ID_HEADER] = requestId;
    reply.header(REQUEST_ID_HEADER, requestId);
  });
  app.addHook("onRequest", letSafeGetsPass);
  const isDevelopment = surface.mode === "development";
  const nowMs = () => performance.now();
  const requests = watchRequests(app, { log, metrics, mayExplain: isDevelopment, nowMs });
  addGatewayMetrics(app, registry, { credential, isOpen: isDevelopment });
  // A subgraph that the operator names in the topology runs our services. Any other subgraph is foreign, and
  // known only from the supergraph.
  const isOurs = (subgraph: string) => live.isPlaced(subgraph);
  const costModelOf = live.costModelOf.bind(live);
  const runningOn = live.gateway.runningOn.bind(live.gateway);
  const shown = surfaceOptions(surface, { isOurs, costModelOf, runningOn, metrics, requests });
  const apollo = new ApolloServer<RequestContext>({
    ...shown,
    gateway: live.gateway,
    logger: log,
    stopOnTerminationSignals: false,
    plugins: [...shown.plugins, fastifyApolloDrainPlugin(app) as ApolloServerPlugin<RequestContext>],
  });
  await apollo.start();
  const checkReady = async () => apollo.assertStarted("the gateway's supergraph is loaded");
  addHealth(app, checkReady, async () => standing.notes());
  traceRequests(app, "anyone");
  await addGraphQLRoute(app, apollo, {
    log,
    recordOf: requests.recordOf,
    deadlineAtMs: () => performance.now() + DEADLINES_A_REQUEST * deadlineMs,
    fetchDeadlineMs: deadlineMs,
    forwardedHeaders: options.forwardedHeaders ?? [],
    answerBytesMax: options.answerBytesMax,
    onSubgraphRequest: options.onSubgraphRequest,
  });
  // Apollo's drain plugin closes the Fastify app.
  const close = () => apollo.stop();
  const bound = await listen(app, port, close, door?.host);
  return { ...bound, url: publicUrl ?? bound.url, close };
}
