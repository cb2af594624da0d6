/** Reads the metrics of services, as Prometheus does. */
import { expect } from "vitest";
import type { Graph } from "./graph.ts";

/** The samples of a service's metrics page, by name and labels. */
export async function metricsOf(graph: Graph, service: string): Promise<Map<string, number>> {
  const response = await fetch(graph.serviceUrl(service).replace("/graphql", "/metrics"));
  expect(response.status).toBe(200);
  const samples = (await response.text()).matchAll(/^(\w+(?:\{.*\})?) (\S+)$/gm);
  return new Map(Array.from(samples, ([, name, value]) => [name!, Number(value)]));
}

/** The growth of each sample during an action. An absent sample counts as zero. */
export async function growth(graph: Graph, service: string, action: () => Promise<unknown>) {
  const before = await metricsOf(graph, service);
  await action();
  const after = await metricsOf(graph, service);
  return (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0);
}
