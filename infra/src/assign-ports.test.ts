import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { parseTopology, partitionsOf, replicasOf } from "@teranga/kit/topology/topology.ts";
import { afterEach, expect, test } from "vitest";
import { assignPorts, portVariables } from "./assign-ports.ts";
import { CITIES, topologyText } from "./cities.ts";
import { clusterVariables } from "./config.ts";
import { firstMembers } from "./members.ts";
import { freePort } from "./ports.ts";
import { endpoint, planCluster, processNames } from "./processes.ts";

const MEMBERS = firstMembers([]);
const listening: Server[] = [];

async function takePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  listening.push(server);
  await once(server, "listening");
  return (server.address() as { port: number }).port;
}

afterEach(() => {
  for (const server of listening.splice(0)) server.close();
});

test("a port that was asked for is given, a taken one is refused with its variable", async () => {
  const port = await freePort();
  expect(await assignPorts(["gateway"], { GATEWAY_PORT: port }, {})).toEqual({ gateway: port });
  const taken = await takePort();
  await expect(assignPorts(["gateway"], { GATEWAY_PORT: taken }, {})).rejects.toThrow(
    `GATEWAY_PORT: port ${taken} is in use`,
  );
});

test("the same port for two is refused", async () => {
  const port = await freePort();
  const asked = { GATEWAY_PORT: port, CATALOG_PORT: port };
  await expect(assignPorts(["gateway", "catalog"], asked, {})).rejects.toThrow(
    `CATALOG_PORT: port ${port} is given twice`,
  );
});

test("ports stay the same over a restart, unless somebody took one meanwhile", async () => {
  const names = processNames(MEMBERS);
  const first = await assignPorts(names, {}, {});
  expect(new Set(Object.values(first)).size).toBe(names.length);
  expect(await assignPorts(names, {}, first)).toEqual(first);
  const taken = await takePort();
  const second = await assignPorts(["orders"], {}, { orders: taken });
  expect(second.orders).not.toBe(taken);
});

test("every city has a variable for its port", () => {
  expect(Object.keys(clusterVariables.shape)).toEqual(
    expect.arrayContaining([...portVariables("catalog").values()]),
  );
});

test("the topology of the cluster is one that services can read", () => {
  const ports = Object.fromEntries(processNames(MEMBERS).map((name, index) => [name, 4100 + index]));
  const placement = partitionsOf(parseTopology(topologyText((name) => endpoint(ports[name]!))), "city");
  const urls = new Map(planCluster(ports, MEMBERS).cities.map(({ city, url }) => [city, url]));
  expect(placement.partitions.map(({ id }) => id)).toEqual(CITIES.map(({ id }) => id));
  for (const {
    id,
    urls: [url],
  } of placement.partitions)
    expect(url).toBe(urls.get(id));
  expect(["THIES", "Saint Louis", "Kaolack"].map((town) => placement.partitionOf(town))).toEqual([
    "thies",
    "saint-louis",
    "autres",
  ]);
});

test("a further orchestrator has a name and a port of its own, and its place in the topology", () => {
  const ports = Object.fromEntries(processNames(MEMBERS, 2).map((name, index) => [name, 4100 + index]));
  const { orders } = planCluster(ports, MEMBERS, 2);
  expect(orders.map(({ name }) => name)).toEqual(["orders", "orders-2"]);
  const text = topologyText((name) => endpoint(ports[name]!), { orders: orders.map(({ name }) => name) });
  expect(replicasOf(parseTopology(text), "orders")).toEqual(orders.map(({ url }) => url));
});
