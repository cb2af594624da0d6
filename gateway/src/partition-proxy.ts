/**
 * Runs a partitioned subgraph as one endpoint for other routers, configured by the environment
 * (proxy/proxy-config.ts):
 *
 *     node gateway/src/partition-proxy.ts --subgraph city --port N
 */
import { runMain } from "@teranga/kit/process/config.ts";
import { runService } from "@teranga/kit/process/run-service.ts";
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
  const { SUBGRAPH: subgraph, ANSWER_BYTES_MAX: answerBytesMax } = config;
  await runService(`proxy-${subgraph}`, config, async (options) => {
    const proxy = await startPartitionProxy({ ...options, subgraph, answerBytesMax });
    return { ...proxy, setTopology: proxy.update };
  });
});
