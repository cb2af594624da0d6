/** The topology file of a local cluster: what is written into it, and what the cluster takes from it. */
import { readFile, rename, writeFile } from "node:fs/promises";
import { type FileWatch, watchFile } from "@teranga/kit/process/file-watch.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import { parseTopology, parseTopologyFile, type Topology } from "@teranga/kit/topology/topology.ts";
import { parse } from "yaml";
import { type KeptTopology, topologyText } from "./cities.ts";
import type { DatabaseServers } from "./database-servers.ts";
import { FILE_MODE, noneIf, pathsOf, usingHome } from "./home.ts";
import { isCatalog } from "./members.ts";
import { type ClusterPlan, endpoint } from "./processes.ts";

export interface TopologyParts {
  plan: ClusterPlan;
  servers: DatabaseServers;
  /** The port at which the others find a process, by its name. */
  seenPorts: ReadonlyMap<string, number>;
}

/**
 * The text of the file for the processes that there are now.
 * @throws StartupError if the file exists and cannot be parsed: what was written into it by hand must not be
 * lost
 */
export async function nextTopology(
  home: string,
  { plan, servers, seenPorts }: TopologyParts,
): Promise<string> {
  const nodes = plan.catalogs.flatMap(({ node, database }) =>
    node === null ? [] : [[node, servers.bareUrl(database!)] as const],
  );
  return topologyText((name) => endpoint(seenPorts.get(name)!), {
    orders: plan.orders.map(({ name }) => name),
    kept: await keptTopology(pathsOf(home).topology),
    replicasOf: (database) => servers.replicaUrls(database),
    nodes: Object.fromEntries(nodes),
  });
}

async function keptTopology(file: string): Promise<KeptTopology> {
  const text = await readFile(file, "utf8").catch(noneIf("ENOENT"));
  if (text === undefined) return {};
  parseTopologyFile(file, { kind: "text", text });
  return parse(text) as KeptTopology;
}

/** Replaces the file atomically: services read it whenever it changes. */
export function writeTopology(home: string, text: string): Promise<void> {
  const { topology } = pathsOf(home);
  return usingHome(home, async () => {
    await writeFile(`${topology}.partial`, text, { mode: FILE_MODE });
    await rename(`${topology}.partial`, topology);
  });
}

/** Makes each primary wait for its replicas if the topology says so. Those that run go by it at once. */
export async function setSynchronous(topology: Topology, servers: DatabaseServers): Promise<void> {
  for (const group of servers.groups.values()) {
    const synchronous = isSynchronous(topology, group.database);
    if (synchronous === group.synchronous) continue;
    group.synchronous = synchronous;
    await servers.configure(group);
  }
}

/** Goes by what an operator writes into the file of a cluster that runs. */
export function watchSynchronous(home: string, servers: DatabaseServers, log: Logger): FileWatch {
  return watchFile({
    file: pathsOf(home).topology,
    log,
    async onContent(content) {
      let topology: Topology;
      try {
        if (content.kind === "unreadable") return;
        topology = parseTopology(content.text);
      } catch {
        // The services log it; each keeps what it had.
        return;
      }
      await setSynchronous(topology, servers);
    },
  });
}

function isSynchronous({ placements }: Topology, database: string): boolean {
  const placement = placements.get(isCatalog(database) ? "catalog" : "city");
  if (placement?.kind === "replicas") return placement.database?.synchronous ?? false;
  return placement?.partitions.find(({ id }) => id === database)?.database?.synchronous ?? false;
}
