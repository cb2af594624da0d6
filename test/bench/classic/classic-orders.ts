/**
 * The orchestrator of baseline (b): the same code with one difference, it sends protocol messages one by one.
 * A batch of prepares for one row would deadlock with itself: the first prepare holds the row until the batch
 * is answered, and the second waits for the row. Reads before an order are shared between requests, as in
 * ours.
 */
import { setTimeout as delay } from "node:timers/promises";
import { startSubgraphServer } from "@teranga/kit/http/server.ts";
import { createTransport } from "@teranga/kit/http/transport.ts";
import { Instances } from "@teranga/kit/instances/instances.ts";
import { readConfig, runMain } from "@teranga/kit/process/config.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import { Registry } from "@teranga/kit/process/metrics.ts";
import { systemClock } from "@teranga/kit/process/retry.ts";
import { closeAll, closeOnSignal } from "@teranga/kit/process/shutdown.ts";
import { loadTopology, partitionsOf, replicasOf } from "@teranga/kit/topology/topology.ts";
import { ordersVariables } from "@teranga/orders/config.ts";
import { createOrchestrator } from "@teranga/orders/context.ts";
import { createOrderMetrics } from "@teranga/orders/metrics.ts";
import { resolvers } from "@teranga/orders/resolvers.ts";
import { readSchema } from "@teranga/schema/read-schema.ts";
import { v7 as newUuid } from "uuid";

/**
 * Connections to a city. So many that a decision never waits for a socket behind prepares that wait for the
 * rows which it would free.
 */
const CONNECTIONS = 1_024;

const usage = {
  command: "node test/bench/classic/classic-orders.ts",
  about: "The orchestrator of the benchmark of classic two-phase commit; bench:orders starts it.",
  variables: ordersVariables,
};

await runMain(usage, async () => {
  const config = readConfig(ordersVariables, process.env);
  const log = createLogger("classic-orders", config.LOG_LEVEL);
  const topology = await loadTopology(config.TOPOLOGY);
  const credential = config.SERVICE_CREDENTIAL;
  const transport = createTransport({ credential, connections: CONNECTIONS, isService: true });
  const registry = new Registry();
  const means = {
    cities: partitionsOf(topology, "city"),
    catalogUrls: replicasOf(topology, "catalog"),
    instances: new Instances({ send: transport.send, log }),
    clock: systemClock,
    delay,
    newId: () => newUuid(),
    log,
    metrics: createOrderMetrics(registry),
  };
  const shared = createOrchestrator(means).createContext({ log });
  const server = await startSubgraphServer({
    subgraph: "orders",
    typeDefs: readSchema("orders"),
    resolvers,
    createContext: (request) => {
      const { messages, delivery } = createOrchestrator(means).createContext(request);
      return { ...shared, messages, delivery, log: request.log };
    },
    credential,
    port: config.PORT,
    log,
    checkReady: () => Promise.resolve(),
    registry,
  });
  const steps = [
    { name: "the server", close: server.close },
    { name: "the transport", close: transport.close },
  ];
  closeOnSignal(() => closeAll(steps), log);
  log.info({ url: server.url }, "ready");
});
