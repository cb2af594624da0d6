/**
 * The systems that are compared, on one set of databases: the local cluster as `npm start` runs it; a second
 * set of city services with classic two-phase commit, with an orchestrator and a gateway of their own; and
 * the databases alone.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CITIES, topologyText } from "@teranga/infra/cities.ts";
import { type Cluster, startCluster } from "@teranga/infra/cluster.ts";
import { beginLog, pathsOf } from "@teranga/infra/home.ts";
import { freePort } from "@teranga/infra/ports.ts";
import { removeDataDirectory } from "@teranga/infra/postgres-data.ts";
import { startService } from "@teranga/infra/service-process.ts";
import type { LaunchedProcess } from "@teranga/infra/supervisor.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import type { Target } from "./drivers.ts";
import { CITY_IDS } from "./scenarios.ts";

export const SYSTEM_IDS = ["ours", "direct", "classic"] as const;
export type SystemId = (typeof SYSTEM_IDS)[number];

/** Process ids by part: gateway, orders, catalog, cities, PostgreSQL. */
export type Parts = ReadonlyMap<string, number[]>;

export interface System {
  target: Target;
  parts: Parts;
}

export interface Systems {
  byId: Readonly<Record<SystemId, System>>;
  /** Database URLs by city. */
  databases: Record<string, string>;
  /** One service of the local cluster, by its name. */
  service(name: string): { pid: number; logFile: string };
  stop(): Promise<void>;
}

const SETTINGS = {
  // Each order of the classic baseline may hold one prepared transaction in each city.
  max_prepared_transactions: "400",
  // For two sets of city services, of which the classic one needs a connection for each waiting order, and
  // for the direct baseline.
  max_connections: "300",
};

export interface SystemsOptions {
  log: Logger;
  /** The log level of the services. */
  logLevel: string;
  /** Aborts a start under way. */
  signal: AbortSignal;
}

/** Starts all systems on a new, empty home. */
export async function startSystems(options: SystemsOptions): Promise<Systems> {
  const { log, logLevel, signal } = options;
  const home = await mkdtemp(join(tmpdir(), "teranga-bench-"));
  let cluster: Cluster | undefined;
  let classic: ClassicSet | undefined;
  const stop = async () => {
    await classic?.stop();
    await cluster?.stop();
    for (const database of ["catalog", ...CITY_IDS])
      await removeDataDirectory(join(pathsOf(home).postgres, database));
    await rm(home, { recursive: true, force: true });
  };
  try {
    // Nothing here reads from a replica, and one would take its share of the two cores.
    const gatewayEnvironment = { NODE_ENV: "development" };
    const own = {
      home,
      catalogNodes: [],
      ports: {},
      replicas: {},
      postgresSettings: SETTINGS,
      gatewayEnvironment,
    };
    cluster = await startCluster({ ...own, logLevel, log, signal });
    const databases = await databaseUrls(cluster, home);
    classic = await startClassic(cluster, { home, databases, ...options });
    const ours = partsOf(cluster);
    const postgres = ours.get("PostgreSQL")!;
    const byId = {
      ours: { target: { kind: "gateway" as const, url: cluster.gatewayUrl }, parts: ours },
      direct: {
        target: { kind: "direct" as const, databases },
        parts: new Map([["PostgreSQL", postgres]]),
      },
      classic: {
        target: { kind: "gateway" as const, url: classic.gatewayUrl },
        parts: new Map([...classic.parts, ["catalog", ours.get("catalog")!], ["PostgreSQL", postgres]]),
      },
    };
    const { processes } = cluster;
    const service = (name: string) => {
      const { pid } = processes().find((record) => record.name === name)!;
      return { pid: pid!, logFile: join(pathsOf(home).logs, `${name}.log`) };
    };
    return { byId, databases, service, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const PART_NAMES = {
  gateway: "gateway",
  orders: "orders",
  city: "cities",
  catalog: "catalog",
  "mobile-money": "mobile money",
  postgres: "PostgreSQL",
};

function partsOf(cluster: Cluster): Map<string, number[]> {
  const groups = Map.groupBy(cluster.processes(), ({ kind }) => PART_NAMES[kind]);
  return new Map([...groups].map(([part, records]) => [part, records.map(({ pid }) => pid!)]));
}

async function databaseUrls(cluster: Cluster, home: string): Promise<Record<string, string>> {
  const password = (await readFile(pathsOf(home).postgresPassword, "utf8")).trim();
  const urls: Record<string, string> = {};
  for (const { role, city, url } of cluster.processes()) {
    if (role !== "primary" || city === null) continue;
    const full = new URL(url);
    full.password = password;
    urls[city] = full.href;
  }
  return urls;
}

interface ClassicSet {
  gatewayUrl: string;
  parts: Map<string, number[]>;
  stop(): Promise<void>;
}

interface ClassicOptions extends SystemsOptions {
  home: string;
  databases: Record<string, string>;
}

/**
 * Starts cities, orchestrator and gateway in this order. They use the cluster's catalog, which no order
 * changes.
 */
async function startClassic(
  cluster: Cluster,
  { home, databases, log, logLevel, signal }: ClassicOptions,
): Promise<ClassicSet> {
  const catalogUrl = cluster.processes().find(({ kind }) => kind === "catalog")!.url;
  const urls = new Map([["catalog", catalogUrl]]);
  for (const name of ["orders", "gateway", ...CITIES.map(({ id }) => `city-${id}`)])
    urls.set(name, `http://127.0.0.1:${await freePort()}/graphql`);
  const topology = join(home, "logs", "classic-topology.yaml");
  await writeFile(
    topology,
    topologyText((name) => urls.get(name)!),
  );
  const credential = (await readFile(pathsOf(home).credential, "utf8")).trim();

  const running: { part: string; launched: LaunchedProcess }[] = [];
  const start = async (name: string, part: string, program: string, more: Record<string, string> = {}) => {
    const url = urls.get(name)!;
    const port = new URL(url).port;
    const logFile = await beginLog(home, `classic-${name}`);
    const env = {
      PORT: port,
      GATEWAY_PORT: port,
      SERVICE_CREDENTIAL: credential,
      TOPOLOGY: topology,
      LOG_LEVEL: logLevel,
    };
    const launched = await startService({
      name: `classic-${name}`,
      program,
      env: { ...env, ...more },
      url,
      logFile,
      log,
      signal,
    });
    running.push({ part, launched });
  };
  const stop = async () => {
    for (const { launched } of running.toReversed()) await launched.stop();
  };
  try {
    for (const id of CITY_IDS) {
      const own = { CITY: id, DATABASE_URL: databases[id]! };
      await start(`city-${id}`, "cities", "test/bench/classic/classic-city.ts", own);
    }
    await start("orders", "orders", "test/bench/classic/classic-orders.ts");
    await start("gateway", "gateway", "gateway/src/main.ts", { NODE_ENV: "development" });
  } catch (error) {
    await stop();
    throw error;
  }
  const groups = Map.groupBy(running, ({ part }) => part);
  const parts = new Map([...groups].map(([part, list]) => [part, list.map(({ launched }) => launched.pid)]));
  return { gatewayUrl: urls.get("gateway")!, parts, stop };
}
