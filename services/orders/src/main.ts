/** Runs the orders service: `node services/orders/src/main.ts`. The environment configures it (config.ts). */

import { readDoor } from "@teranga/kit/http/door-config.ts";
import { readConfig, runMain } from "@teranga/kit/process/config.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import { createProcessRegistry } from "@teranga/kit/process/metrics.ts";
import { closeAll, closeOnSignal } from "@teranga/kit/process/shutdown.ts";
import { startTracing } from "@teranga/kit/process/start-tracing.ts";
import { loadTopology } from "@teranga/kit/topology/topology.ts";
import { followTopology } from "@teranga/kit/topology/topology-following.ts";
import { createTopologyStanding } from "@teranga/kit/topology/topology-standing.ts";
import { ordersVariables } from "./config.ts";
import { startOrders } from "./service.ts";

const usage = {
  command: "node services/orders/src/main.ts",
  about: "Runs the orchestrator of orders, cancellations and transfers.",
  variables: ordersVariables,
};

await runMain(usage, async () => {
  const config = readConfig(ordersVariables, process.env);
  const log = createLogger("orders", config.LOG_LEVEL);
  const tracing = await startTracing("orders", config);
  const topology = await loadTopology(config.TOPOLOGY);
  const registry = createProcessRegistry();
  const standing = createTopologyStanding(registry);
  const service = await startOrders({
    topology,
    credential: config.SERVICE_CREDENTIAL,
    port: config.PORT,
    door: readDoor(config, process.env.NODE_ENV),
    log,
    registry,
    standing,
  });
  const following = followTopology({
    file: config.TOPOLOGY,
    topology,
    onChange: service.setTopology,
    role: "routes",
    credential: config.SERVICE_CREDENTIAL,
    standing,
    log,
  });
  const steps = [
    ...following,
    { name: "the service", close: service.close },
    { name: "the spans", close: tracing.stop },
  ];
  closeOnSignal(() => closeAll(steps), log);
  log.info({ url: service.url }, "ready");
});
