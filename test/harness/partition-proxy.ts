/**
 * Starts a partition proxy over the cities of a graph, behind the graph's TCP proxies, so that a test can cut
 * cities off.
 */
import {
  type PartitionProxy,
  type PartitionProxyOptions,
  startPartitionProxy,
} from "@teranga/gateway/proxy/partition-proxy.ts";
import { topologyText } from "@teranga/infra/cities.ts";
import { serviceHeaders } from "@teranga/kit/http/credential.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import { parseTopology, type Topology } from "@teranga/kit/topology/topology.ts";
import { expect, vi } from "vitest";
import { ask, CREDENTIAL, type Graph } from "./graph.ts";

/** The headers of callers of a service or of the partition proxy. */
export const CREDENTIAL_HEADERS = serviceHeaders(CREDENTIAL);

export function startCityProxy(
  graph: Graph,
  options: Partial<PartitionProxyOptions> = {},
): Promise<PartitionProxy> {
  return startPartitionProxy({
    subgraph: "city",
    topology: topologyOf(graph),
    credential: CREDENTIAL,
    port: 0,
    log: createLogger("proxy", process.env.TEST_LOG_LEVEL ?? "silent"),
    deadlineMs: 1_500,
    ...options,
  });
}

/** The graph's topology, with the cities behind their TCP proxies. */
export function topologyOf(graph: Graph): Topology {
  const urlOf = (process: string) =>
    process.startsWith("city-") ? graph.proxy(process.slice("city-".length)).url : graph.serviceUrl(process);
  return parseTopology(topologyText(urlOf));
}

/** Opens the wire to Thiès again, and waits until the circuits of all these gateways are closed. */
export async function untilThiesIsBack(
  graph: Graph,
  proxy: PartitionProxy,
  others: readonly string[] = [],
): Promise<void> {
  graph.proxy("thies").set("open");
  const isBack = async (url: string, headers = {}) => {
    const { errors } = await ask(url, "{ cities { name } }", {}, headers);
    expect(errors).toBeUndefined();
  };
  const isBackForAll = () =>
    Promise.all([isBack(proxy.url, CREDENTIAL_HEADERS), ...[graph.url, ...others].map((url) => isBack(url))]);
  await vi.waitFor(isBackForAll, { timeout: 20_000, interval: 50 });
}
