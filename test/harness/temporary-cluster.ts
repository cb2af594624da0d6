/** A cluster of real processes with a home of its own. The home is removed afterwards unless it is kept. */
import { createWriteStream } from "node:fs";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CityDatabases } from "@teranga/infra/broken-invariants.ts";
import { type Cluster, type ClusterOptions, startCluster } from "@teranga/infra/cluster.ts";
import { keepSecret, pathsOf } from "@teranga/infra/home.ts";
import { wipeHome } from "@teranga/infra/wipe-home.ts";
import { type Database, openDatabase } from "@teranga/kit/postgres/database.ts";
import { createLogger } from "@teranga/kit/process/log.ts";

export interface TemporaryCluster extends Pick<Cluster, "processes" | "status" | "replicas"> {
  /** The gateway's endpoint. */
  url: string;
  /** Holds the cluster's home and whatever is kept beside it. */
  directory: string;
  /** The services' logs. */
  logs: string;
  /** Connections to the cities' databases, for reading. */
  databases: CityDatabases;
  /** Ends everything. */
  close(options?: { keep: boolean }): Promise<void>;
}

export interface TemporaryClusterOptions
  extends Pick<ClusterOptions, "logLevel" | "orchestrators" | "wire" | "replicas"> {
  /** None by default: the catalog has one database. */
  catalogNodes?: readonly string[];
}

/** In development mode: whoever asks acts as an operator of the company. */
const OWN = { catalogNodes: [], gatewayEnvironment: { NODE_ENV: "development" } };

export async function startTemporaryCluster(options: TemporaryClusterOptions): Promise<TemporaryCluster> {
  const directory = await mkdtemp(join(tmpdir(), "teranga-cluster-"));
  // PostgreSQL's user must be able to reach its data.
  await chmod(directory, 0o755);
  const home = join(directory, "home");
  const logFile = createWriteStream(join(directory, "cluster.log"));
  const log = createLogger("cluster", "info", logFile);
  const remove = async () => {
    await wipeHome(home, log);
    await new Promise<void>((resolve) => logFile.end(resolve));
    await rm(directory, { recursive: true, force: true });
  };
  const cluster = await startCluster({ ...OWN, ...options, home, ports: {}, log }).catch(
    async (error: unknown) => {
      await remove();
      throw error;
    },
  );
  const databases = await openDatabases(cluster, home);
  return {
    url: cluster.gatewayUrl,
    directory,
    logs: pathsOf(home).logs,
    processes: cluster.processes,
    status: cluster.status,
    replicas: cluster.replicas,
    databases: new Map([...databases].map(([city, { sql }]) => [city, sql])),
    async close({ keep } = { keep: false }) {
      await Promise.all([...databases.values()].map(({ close }) => close()));
      await cluster.stop();
      if (!keep) await remove();
    },
  };
}

async function openDatabases(cluster: Cluster, home: string): Promise<Map<string, Database>> {
  const password = await keepSecret(pathsOf(home).postgresPassword);
  const servers = cluster.processes().filter(({ role, city }) => role === "primary" && city !== null);
  return new Map(
    servers.map(({ city, url }) => {
      const full = Object.assign(new URL(url), { password });
      return [city!, openDatabase({ url: full.href, applicationName: "look", connections: 2 })];
    }),
  );
}
