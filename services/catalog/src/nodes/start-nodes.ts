/** Starts the node that a catalog service is. */
import { StartupError } from "@teranga/kit/process/config.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import { nodesOf, type Topology } from "@teranga/kit/topology/topology.ts";
import { NodeManager } from "./node-manager.ts";

interface NodeOptions {
  node?: string | undefined;
  databaseUrl: string;
  topology: Topology;
  log: Logger;
}

/**
 * Undefined if the catalog has one database.
 * @throws StartupError if the service and the topology do not agree whether it is a node
 */
export function startNodes({ node, databaseUrl, topology, log }: NodeOptions): NodeManager | undefined {
  const nodes = nodesOf(topology, "catalog");
  const names = nodes.map(({ name }) => name).join(", ");
  if (node === undefined && nodes.length > 0)
    throw new StartupError(`CATALOG_NODE is not set, and the topology's catalog has nodes: ${names}`);
  if (node === undefined) return undefined;
  if (nodes.length === 0)
    throw new StartupError(`CATALOG_NODE is ${node}, and the topology's catalog has no nodes`);
  if (!nodes.some(({ name }) => name === node))
    throw new StartupError(`CATALOG_NODE is ${node}, and the topology's catalog has only ${names}`);
  return new NodeManager({ node, databaseUrl, nodes, log });
}
