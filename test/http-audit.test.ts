/**
 * Goal: every endpoint conforms to GraphQL over HTTP. Method: all audits of its reference implementation,
 * over the wire.
 */
import { type PartitionProxy, startPartitionProxy } from "@teranga/gateway/proxy/partition-proxy.ts";
import { topologyText } from "@teranga/infra/cities.ts";
import { serviceHeaders } from "@teranga/kit/http/credential.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import { parseTopology } from "@teranga/kit/topology/topology.ts";
import { serverAudits } from "graphql-http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CREDENTIAL, type Graph, startGraph } from "./harness/graph.ts";

let graph: Graph;
let proxy: PartitionProxy;
beforeAll(async () => {
  graph = await startGraph();
  const urlOf = (process: string) => graph.serviceUrl(process.replace(/^city-/, ""));
  proxy = await startPartitionProxy({
    subgraph: "city",
    topology: parseTopology(topologyText(urlOf)),
    credential: CREDENTIAL,
    port: 0,
    log: createLogger("proxy", "silent"),
  });
});
afterAll(async () => {
  await proxy?.close();
  await graph.close();
});

function urlOf(endpoint: string): string {
  if (endpoint === "gateway") return graph.url;
  return endpoint === "partition proxy" ? proxy.url : graph.serviceUrl(endpoint);
}

/** The headers of every request, from clients of the gateway and between services. */
const HEADERS = { ...serviceHeaders(CREDENTIAL), "apollo-require-preflight": "true" };

describe.each(["gateway", "catalog", "orders", "thies", "partition proxy"])("%s", (name) => {
  const audits = serverAudits({
    url: () => urlOf(name),
    fetchFn: (url: string, init: RequestInit = {}) =>
      fetch(url, { ...init, headers: { ...HEADERS, ...(init.headers as Record<string, string>) } }),
  });
  test.each(audits.map((audit) => [audit.name, audit] as const))("%s", async (_, audit) => {
    const result = await audit.fn();
    expect(result.status === "ok" ? "ok" : `${result.status}: ${result.reason}`).toBe("ok");
  });
});
