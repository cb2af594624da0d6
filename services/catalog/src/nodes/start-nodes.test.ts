/** A service and its topology must agree on which node it is. */
import { createLogger } from "@teranga/kit/process/log.ts";
import { parseTopology } from "@teranga/kit/topology/topology.ts";
import { expect, test } from "vitest";
import { startNodes } from "./start-nodes.ts";

const nodeAt = (port: number) =>
  `{ url: "http://127.0.0.1:${port}/", database: "postgres://127.0.0.1:${port}/catalog" }`;
const WITH_NODES = `subgraphs: { catalog: { nodes: { dakar: ${nodeAt(1)}, thies: ${nodeAt(2)} } } }`;
const WITHOUT = 'subgraphs: { catalog: { replicas: ["http://127.0.0.1:1/"] } }';

const start = (node: string | undefined, topology: string) =>
  startNodes({
    node,
    databaseUrl: "postgres://127.0.0.1:1/catalog",
    topology: parseTopology(topology),
    log: createLogger("test", "silent"),
  });

test.each([
  [undefined, WITH_NODES, "CATALOG_NODE is not set, and the topology's catalog has nodes: dakar, thies"],
  ["", WITH_NODES, "CATALOG_NODE is , and the topology's catalog has only dakar, thies"],
  ["louga", WITH_NODES, "CATALOG_NODE is louga, and the topology's catalog has only dakar, thies"],
  ["dakar", WITHOUT, "CATALOG_NODE is dakar, and the topology's catalog has no nodes"],
])("the node %j is refused at the start", (node, topology, message) => {
  expect(() => start(node, topology)).toThrow(message);
});

test("a catalog of one database has no node", () => {
  expect(start(undefined, WITHOUT)).toBeUndefined();
});
