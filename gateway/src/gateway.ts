/**
 * The gateway: one GraphQL endpoint over all services. It is stateless, so any number of gateways can run
 * side by side.
 */
import { ApolloServer, type ApolloServerPlugin } from "@apollo/server";
import { fastifyApolloDrainPlugin } from "@as-integrations/fastify";
import cors from "@fastify/cors";
import { DEFAULT_DOOR, type Door } from "@teranga/kit/http/door.ts";
import { addHealth, listen, type RunningServer } from "@teranga/kit/http/listen.ts";
import { createApp, REQUEST_ID_HEADER, requestIdOf } from "@teranga/kit/http/server.ts";
import { Assertions } from "@teranga/kit/identity/assertion.ts";
import { VISITOR } from "@teranga/kit/identity/identity.ts";
import { createProcessRegistry, type Registry } from "@teranga/kit/process/metrics.ts";
import { traceRequests } from "@teranga/kit/process/tracing.ts";
import type { RedisTarget } from "@teranga/kit/redis/redis-url.ts";
import { createTopologyStanding, type TopologyStanding } from "@teranga/kit/topology/topology-standing.ts";
import type { FastifyInstance } from "fastify";
import type { AuthorizationMode } from "./authorization/authorization.ts";
import { openCache } from "./cache/open-cache.ts";
import { keepClientSessions } from "./door/client-sessions.ts";
import { addGraphQLRoute } from "./door/graphql-route.ts";
import { identifyRequests } from "./door/identify.ts";
import { addGatewayMetrics, type GatewayMetrics } from "./door/metrics.ts";
import { corsOriginsOf, letOriginsSendCookies, refuseForeignHosts } from "./door/origins.ts";
import { watchRequests } from "./door/request-log.ts";
import { letSafeGetsPass } from "./door/safe-gets.ts";
import { type Surface, surfaceOf, surfaceOptions } from "./door/surface.ts";
import { actAs, type IdentityMeans } from "./identity/identity-means.ts";
import { type EngineName, engineMaker } from "./live/engines.ts";
import type { GraphSource } from "./live/graph-watch.ts";
import type { LiveGraph } from "./live/live-graph.ts";
import { type FollowOptions, type LiveServerParts, startLiveServer } from "./live/live-server.ts";
import { SESSION_HEADER } from "./session/session.ts";
import { TokenSeal } from "./session/session-token.ts";
import type { RequestContext, SentRequest } from "./sources/request-context.ts";

export interface GatewayOptions extends FollowOptions {
  source: GraphSource;
  /** Who carries operations out; `teranga` by default. */
  engine?: EngineName | undefined;
  /** What becomes of an operation with a field that whoever asks may not have; `null` by default. */
  authorizationMode?: AuthorizationMode | undefined;
  /** The credential that our services require. Foreign services need none. */
  credential?: string | undefined;
  /** How it is known who asks. Everybody is a visitor by default. */
  identity?: IdentityMeans | undefined;
  port: number;
  /** The limits on connections. */
  door?: Door | undefined;
  /** The bytes of services' answers that may be in use at a time. */
  answerBytesMax?: number | undefined;
  /** The bytes of services' answers that are kept as long as the services allow. None are by default. */
  cacheBytesMax?: number | undefined;
  /** What gateways share that cache by. Without it each keeps its own. */
  redis?: RedisTarget | undefined;
  /** The URL for clients, if it differs from the address on which the gateway listens. */
  publicUrl?: string | undefined;
  /** The origins whose pages may ask; by default those of the mode. */
  corsOrigins?: readonly string[] | undefined;
  /** The surface that clients meet; by default that of production. */
  surface?: Surface;
  /** How long one request to a service may take. A client's request may take three times as long. */
  deadlineMs?: number;
  /** The names, in lower case, of the client's headers that services may see. None by default. */
  forwardedHeaders?: readonly string[];
  /** Called for each request to a service just before it is sent. */
  onSubgraphRequest?: (request: SentRequest) => void;
}

const DEADLINE_MS = 5_000;
/** A plan has a few consecutive steps, and each may meet a service that hangs. */
const DEADLINES_A_REQUEST = 3;

/** Starts a gateway. @throws StartupError if there is no graph or the port is taken */
export async function startGateway(options: GatewayOptions): Promise<RunningServer> {
  const { source, engine = "teranga", credential, surface, log, authorizationMode } = options;
  const registry = createProcessRegistry();
  const standing = createTopologyStanding(registry);
  const parts: LiveServerParts = {
    source,
    credential,
    registry,
    standing,
    operationNames: surface?.safelist?.operationNames,
    engineFor: (observer) =>
      engineMaker(engine, { observer, limits: surface?.limits, log, authorizationMode }),
    serve: (live, metrics) => serve(live, { registry, metrics, standing }, options),
  };
  const { url, port, close } = await startLiveServer(parts, options);
  return { url, port, close };
}

const assertionsBy = (credential: string) =>
  new Assertions({ credentials: [credential], nowMs: () => Date.now() });

interface Telemetry {
  standing: TopologyStanding;
  registry: Registry;
  metrics: GatewayMetrics;
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
    publicUrl,
  } = options;
  const app = await openDoor(surface, registry, options);
  app.addHook("onRequest", letSafeGetsPass);
  const isDevelopment = surface.mode === "development";
  const nowMs = () => performance.now();
  const requests = watchRequests(app, { log, metrics, mayExplain: isDevelopment, nowMs });
  const identityOf = identifyRequests(app, options.identity ?? actAs(VISITOR), requests);
  addGatewayMetrics(app, registry, { credential, isOpen: isDevelopment });
  // A subgraph that the operator names in the topology runs our services. Any other subgraph is foreign, and
  // known only from the supergraph.
  const isOurs = (subgraph: string) => live.isPlaced(subgraph);
  // All gateways of a cluster have the credential, and so the key of the tokens.
  const sessionOf =
    credential === undefined
      ? undefined
      : keepClientSessions(app, {
          seal: new TokenSeal(credential),
          nowMs: () => Date.now(),
          onFault: metrics.tokenRefused,
          isSecure: publicUrl?.startsWith("https:") === true,
        });
  const runningOn = live.gateway.runningOn.bind(live.gateway);
  const shown = surfaceOptions(surface, { isOurs, runningOn, metrics, requests });
  const apollo = new ApolloServer<RequestContext>({
    ...shown,
    gateway: live.gateway,
    logger: log,
    stopOnTerminationSignals: false,
    plugins: [...shown.plugins, fastifyApolloDrainPlugin(app) as ApolloServerPlugin<RequestContext>],
  });
  await apollo.start();
  const checkReady = async () => apollo.assertStarted("the gateway's supergraph is loaded");
  const { cacheBytesMax: bytesMax = 0, redis } = options;
  const opened = bytesMax > 0 ? openCache({ bytesMax, redis, credential, registry, log }) : undefined;
  if (opened) live.watchTopology(opened.setTopology);
  addHealth(app, checkReady, async () => [...standing.notes(), ...(opened?.notes() ?? [])]);
  traceRequests(app, "anyone");
  await addGraphQLRoute(app, apollo, {
    log,
    recordOf: requests.recordOf,
    identityOf,
    sessionOf,
    deadlineAtMs: () => performance.now() + DEADLINES_A_REQUEST * deadlineMs,
    fetchDeadlineMs: deadlineMs,
    forwardedHeaders: options.forwardedHeaders ?? [],
    answerBytesMax: options.answerBytesMax,
    cache: opened?.cache,
    assertions: credential === undefined ? undefined : assertionsBy(credential),
    onSubgraphRequest: options.onSubgraphRequest,
  });
  // Apollo's drain plugin closes the Fastify app.
  const close = async () => {
    await apollo.stop();
    await opened?.close();
  };
  const bound = await listen(app, port, close, door?.host);
  return { ...bound, url: publicUrl ?? bound.url, close };
}

/** The HTTP server: who may reach it, and the id of each request. */
async function openDoor(
  surface: Surface,
  registry: Registry,
  { door, log, publicUrl, corsOrigins }: GatewayOptions,
): Promise<FastifyInstance> {
  const app = createApp(log, { bodyBytesMax: surface.limits.bodyBytesMax, door, registry });
  refuseForeignHosts(app, surface, { host: door?.host ?? DEFAULT_DOOR.host, publicUrl });
  letOriginsSendCookies(app, corsOrigins);
  await app.register(cors, {
    origin: corsOriginsOf(surface, corsOrigins),
    exposedHeaders: [REQUEST_ID_HEADER, SESSION_HEADER],
    // Any OPTIONS is answered like a preflight: the refusal of others is plain text.
    strictPreflight: false,
  });
  app.addHook("onRequest", async (request, reply) => {
    const requestId = requestIdOf(request);
    request.headers[REQUEST_ID_HEADER] = requestId;
    reply.header(REQUEST_ID_HEADER, requestId);
  });
  return app;
}
