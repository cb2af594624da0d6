/** A server over a graph that changes while it runs: the gateway, or the partition proxy. */
import type { RunningServer } from "@teranga/kit/http/listen.ts";
import { createTransport } from "@teranga/kit/http/transport.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import type { Registry } from "@teranga/kit/process/metrics.ts";
import { closeAll } from "@teranga/kit/process/shutdown.ts";
import type { Topology } from "@teranga/kit/topology/topology.ts";
import type { TopologyStanding } from "@teranga/kit/topology/topology-standing.ts";
import { createGatewayMetrics, type GatewayMetrics, type GatewayState } from "../door/metrics.ts";
import { createNetworks } from "../network/network.ts";
import type { MakeEngine } from "./engines.ts";
import { type GraphSource, startGraphWatch } from "./graph-watch.ts";
import { LiveGraph } from "./live-graph.ts";

const STARTUP_WAIT_MS = 60_000;
const SCHEMA_POLL_MS = 10_000;

/** What may be said about how a server follows its services. */
export interface FollowOptions {
  log: Logger;
  /** How long the start waits for the services. */
  startupWaitMs?: number;
  /** How often services are asked for their schemas. */
  schemaPollMs?: number;
  /** Where the last supergraph is kept, for a start without any service. By default it is not kept. */
  cacheFile?: string | undefined;
  /**
   * Whether equal queries to a service that are under way at the same time share one request. True by
   * default.
   */
  shareQueries?: boolean;
}

export interface LiveServerParts {
  source: GraphSource;
  /** The credential that our services require. Foreign services need none. */
  credential: string | undefined;
  registry: Registry;
  /** Is told why a topology in the source's file is not taken. */
  standing?: TopologyStanding | undefined;
  /** The complete list of operation names, if a safelist has one. */
  operationNames?: Iterable<string> | undefined;
  engineFor: (metrics: GatewayMetrics) => MakeEngine;
  serve: (live: LiveGraph, metrics: GatewayMetrics) => Promise<RunningServer>;
}

export interface LiveServer extends RunningServer {
  /** Takes another topology, if the source has no file to watch. */
  setTopology: (topology: Topology) => Promise<void>;
}

/** @throws StartupError, one line, if there is no graph or the port is taken */
export async function startLiveServer(parts: LiveServerParts, options: FollowOptions): Promise<LiveServer> {
  const { source, registry, standing } = parts;
  const { log, shareQueries = true, cacheFile } = options;
  const { send, close } = createTransport({ credential: parts.credential });
  let state = (): GatewayState => ({ plans: 0, generation: 0, omitted: 0, circuits: [] });
  const metrics = createGatewayMetrics(registry, () => state(), parts.operationNames);
  const nowMs = () => performance.now();
  const networks = createNetworks({ send, nowMs, log, shareQueries, observer: metrics });
  const closing = [
    { name: "the probes", close: networks.close },
    { name: "the connections", close },
  ];
  try {
    const { startupWaitMs = STARTUP_WAIT_MS, schemaPollMs: pollMs = SCHEMA_POLL_MS } = options;
    const watch = await startGraphWatch({ source, send, log, standing, cacheFile, pollMs, startupWaitMs });
    closing.unshift({ name: "the watch over the graph", close: watch.stop });
    const live = await LiveGraph.start(watch, { makeEngine: parts.engineFor(metrics), networks });
    state = () => ({
      plans: live.gateway.engine.operationCount,
      generation: live.generation,
      omitted: watch.omitted().length,
      circuits: networks.circuits(),
    });
    const server = await parts.serve(live, metrics);
    const setTopology = watch.follow(live);
    closing.unshift({ name: "the server", close: server.close });
    return { ...server, setTopology, close: () => closeAll(closing) };
  } catch (error) {
    await closeAll(closing);
    throw error;
  }
}
