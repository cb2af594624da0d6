/**
 * Runs a partitioned subgraph as one endpoint for other routers, configured by the environment
 * (proxy/proxy-config.ts):
 *
 *     node gateway/src/partition-proxy.ts --subgraph city --port N
 */

import { readDoor } from "@teranga/kit/http/door-config.ts";
import { runMain } from "@teranga/kit/process/config.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import { createProcessRegistry } from "@teranga/kit/process/metrics.ts";
import { closeAll, closeOnSignal } from "@teranga/kit/process/shutdown.ts";
import { startTracing } from "@teranga/kit/process/start-tracing.ts";
import { loadTopology } from "@teranga/kit/topology/topology.ts";
import { followTopology } from "@teranga/kit/topology/topology-following.ts";
import { createTopologyStanding } from "@teranga/kit/topology/topology-standing.ts";
import { startPartitionProxy } from "./proxy/partition-proxy.ts";
import { proxyVariables, readProxyConfig } from "./proxy/proxy-config.ts";

const usage = {
  command: "node gateway/src/partition-proxy.ts",
  about: "Serves a partitioned subgraph as one endpoint, for other routers.",
  options: {
    "--subgraph NAME": "The partitioned subgraph; city by default.",
    "--port N": "The port to listen on.",
  },
  variables: proxyVariables,
};

await runMain(usage, async () => {
  const config = readProxyConfig(process.argv.slice(2), process.env);
  const { SUBGRAPH: subgraph, SERVICE_CREDENTIAL: credential, PORT: port, TOPOLOGY: file } = config;
  const log = createLogger(`proxy-${subgraph}`, config.LOG_LEVEL);
  const tracing = await startTracing(`proxy-${subgraph}`, config);
  const topology = await loadTopology(file);
  const registry = createProcessRegistry();
  const standing = createTopologyStanding(registry);
  const door = readDoor(config, process.env.NODE_ENV);
  const { ANSWER_BYTES_MAX: answerBytesMax } = config;
  const own = { subgraph, topology, credential, port, door, answerBytesMax };
  const proxy = await startPartitionProxy({ ...own, log, registry, standing });
  const onChange = proxy.update;
  const following = followTopology({ file, topology, onChange, role: "routes", credential, standing, log });
  const steps = [
    ...following,
    { name: "the proxy", close: proxy.close },
    { name: "the spans", close: tracing.stop },
  ];
  closeOnSignal(() => closeAll(steps), log);
  log.info({ url: proxy.url }, "the partition proxy is up");
});
