/** The orders service. It drives orders through the commit protocol over the cities, and stores nothing. */
import { setTimeout as delay } from "node:timers/promises";
import { startSubgraphServer } from "@teranga/kit/http/server.ts";
import { createTransport, type Send } from "@teranga/kit/http/transport.ts";
import { Instances } from "@teranga/kit/instances/instances.ts";
import { Registry } from "@teranga/kit/process/metrics.ts";
import { type Clock, systemClock } from "@teranga/kit/process/retry.ts";
import type { RunningService, ServiceOptions } from "@teranga/kit/process/run-service.ts";
import { closeAll } from "@teranga/kit/process/shutdown.ts";
import { collectedReads } from "@teranga/kit/reads/collected-positions.ts";
import { allUrls, replicasOf, type Topology } from "@teranga/kit/topology/topology.ts";
import { createLiveTopology, livePartitionsOf } from "@teranga/kit/topology/topology-live.ts";
import { readSchema } from "@teranga/schema/read-schema.ts";
import { v7 as newUuid } from "uuid";
import { createOrchestrator } from "./context.ts";
import { createOrderMetrics } from "./metrics.ts";
import { ownership } from "./ownership.ts";
import { resolvers } from "./resolvers.ts";

export interface OrdersOptions extends ServiceOptions {
  clock?: Clock;
  /** Makes UUIDs of version 7, in lower case. */
  newId?: () => string;
  /** Called with each request to a city or the catalog before it leaves. */
  onRequest?: (request: { url: string; operationName: string }) => void;
}

/**
 * Starts the service. It is ready when this resolves.
 * @throws StartupError if the topology has no cities or no catalog
 */
export async function startOrders(options: OrdersOptions): Promise<RunningService> {
  const {
    topology,
    credential,
    port,
    log,
    registry = new Registry(),
    clock = systemClock,
    newId = () => newUuid(),
    onRequest,
  } = options;
  const live = createLiveTopology(topology);
  const cities = livePartitionsOf(live.topology, "city");
  replicasOf(topology, "catalog");
  const transport = createTransport({ credential, isService: true });
  const send: Send = (url, body, sendOptions) => {
    // Probes have no name.
    if (body.operationName) onRequest?.({ url, operationName: body.operationName });
    return transport.send(url, body, sendOptions);
  };
  const instances = new Instances({ send, log });
  const orchestrator = createOrchestrator({
    cities,
    get catalogUrls() {
      return replicasOf(live.topology, "catalog");
    },
    instances,
    clock,
    delay,
    newId,
    log,
    metrics: createOrderMetrics(registry),
  });

  try {
    const server = await startSubgraphServer({
      subgraph: "orders",
      typeDefs: readSchema("orders"),
      resolvers,
      guard: ownership,
      createContext: (request) => orchestrator.createContext(request),
      credential,
      port,
      door: options.door,
      log,
      // The service has no state and no database, so it can serve once its topology is read. A city that is
      // down fails only the requests that need it. It must not take this service out of use for the others.
      checkReady: () => Promise.resolve(),
      notes: async () => options.standing?.notes() ?? [],
      registry,
      reads: collectedReads,
    });
    const steps = [
      { name: "the server", close: () => server.close() },
      { name: "the decisions under way", close: () => orchestrator.drain() },
      { name: "the probes", close: () => instances.close() },
      { name: "the transport", close: () => transport.close() },
    ];
    const setTopology = (next: Topology) => {
      livePartitionsOf(next, "city");
      replicasOf(next, "catalog");
      live.set(next);
      instances.keep(allUrls(next));
    };
    return { ...server, setTopology, close: () => closeAll(steps) };
  } catch (error) {
    await transport.close();
    throw error;
  }
}
