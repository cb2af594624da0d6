/**
 * What is measured: the local cluster as `npm start` runs it (durable servers, the sample data, a replica of
 * Dakar's database), a Redis if there is one, and gateways that differ in how they answer reads.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { topologyText } from "@teranga/infra/cities.ts";
import { type Cluster, startCluster } from "@teranga/infra/cluster.ts";
import { beginLog, pathsOf } from "@teranga/infra/home.ts";
import { freePort } from "@teranga/infra/ports.ts";
import { startService } from "@teranga/infra/service-process.ts";
import { wipeHome } from "@teranga/infra/wipe-home.ts";
import { authorization } from "@teranga/kit/http/credential.ts";
import { openDatabase, type Sql } from "@teranga/kit/postgres/database.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import { startRedis, type TestRedis } from "../../../kit/test/redis.ts";
import { findRedis } from "../../../kit/test/redis-programs.ts";
import { type MeasuredServer, startServer } from "../gateway/servers.ts";
import { CITY } from "./operations.ts";

/** The gateways, by what their environment says beside what all have. */
const GATEWAYS = {
  uncached: { CACHE_BYTES_MAX: "0" },
  "primary-only": { CACHE_BYTES_MAX: "0" },
  cached: {},
  "cached-2": {},
  shared: {},
  "shared-2": {},
} satisfies Record<string, Record<string, string>>;
export type GatewayName = keyof typeof GATEWAYS;

export interface ReadsCluster {
  /** Undefined if there is none on this machine. */
  redis: TestRedis | undefined;
  /** Starts it at the first call. */
  gateway(name: GatewayName): Promise<MeasuredServer>;
  /** How often the gateway has found something in its cache, and how often not. */
  lookups(name: GatewayName): Promise<{ hits: number; misses: number }>;
  /** A connection that no service knows of, to `catalog` or a city's primary. */
  psql(database: string): Sql;
  /** The processes of the cluster, as they are now. */
  processes: Cluster["processes"];
  /** The log of a process of the cluster. */
  logOf(process: string): string;
  /** The address of a database's server, with the superuser's password. */
  addressOf(url: string): string;
  stop(): Promise<void>;
}

export interface ClusterOptions {
  log: Logger;
  signal: AbortSignal;
}

export async function startReadsCluster({ log, signal }: ClusterOptions): Promise<ReadsCluster> {
  const home = await mkdtemp(join(tmpdir(), "teranga-bench-reads-"));
  const stops = [() => wipeHome(home, log), () => rm(home, { recursive: true, force: true })];
  const stop = async () => {
    for (const step of stops.splice(0)) await step();
  };
  try {
    const redis = findRedis() ? await startRedis() : undefined;
    if (redis) stops.unshift(redis.stop);
    // The services tell their changes to Redis as well; each gateway is told by its own environment.
    if (redis) process.env.REDIS_URL = redis.url;
    const cluster = await startCluster({ home, catalogNodes: [], ports: {}, logLevel: "warn", log, signal });
    delete process.env.REDIS_URL;
    stops.unshift(cluster.stop);
    const password = (await readFile(pathsOf(home).postgresPassword, "utf8")).trim();
    const addressOf = (url: string) => Object.assign(new URL(url), { password }).href;
    const pools = new Map<string, ReturnType<typeof openDatabase>>();
    stops.unshift(async () => void (await Promise.all([...pools.values()].map(({ close }) => close()))));
    const parts = { home, cluster, redis, addressOf, log, signal, stops };
    const gateways = new Map<GatewayName, Promise<MeasuredServer>>();
    const gateway = (name: GatewayName) => {
      if (!gateways.has(name)) gateways.set(name, startGateway(name, parts));
      return gateways.get(name)!;
    };
    return {
      redis,
      gateway,
      lookups: async (name) => readLookups((await gateway(name)).url, await credentialOf(home)),
      processes: cluster.processes,
      logOf: (name) => join(pathsOf(home).logs, `${name}.log`),
      addressOf,
      stop,
      psql(database) {
        if (!pools.has(database)) {
          const url = addressOf(primaryUrl(cluster, database));
          pools.set(database, openDatabase({ url, applicationName: "psql", connections: 8 }));
        }
        return pools.get(database)!.sql;
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

const credentialOf = async (home: string) => (await readFile(pathsOf(home).credential, "utf8")).trim();

async function readLookups(url: string, credential: string): Promise<{ hits: number; misses: number }> {
  const headers = { authorization: authorization(credential) };
  const page = await (await fetch(new URL("/metrics", url), { headers })).text();
  const count = (outcome: string) =>
    Number(
      new RegExp(`^teranga_cache_lookups_total\\{outcome="${outcome}"\\} (\\d+)$`, "m").exec(page)?.[1] ?? 0,
    );
  return { hits: count("hit"), misses: count("miss") };
}

function primaryUrl(cluster: Cluster, database: string): string {
  const city = database === "catalog" ? null : database;
  return cluster.processes().find((process) => process.role === "primary" && process.city === city)!.url;
}

interface Parts extends ClusterOptions, Pick<ReadsCluster, "redis" | "addressOf"> {
  home: string;
  cluster: Cluster;
  stops: (() => Promise<unknown>)[];
}

async function startGateway(name: GatewayName, parts: Parts): Promise<MeasuredServer> {
  const { home, redis, stops } = parts;
  const topology = name === "primary-only" ? await withoutReplica(parts) : pathsOf(home).topology;
  const port = await freePort();
  const env = {
    GATEWAY_PORT: String(port),
    HOST: "127.0.0.1",
    // Whoever brings no token asks as an operator of the company, who may have all that is measured.
    NODE_ENV: "development",
    LOG_LEVEL: "warn",
    // A thousand requests at once, and those of other clients.
    REQUESTS_MAX: "2000",
    SERVICE_CREDENTIAL: await credentialOf(home),
    TOPOLOGY: topology,
    ...(name.startsWith("shared") && redis && { REDIS_URL: redis.url }),
    ...GATEWAYS[name],
  };
  const options = { name: `gateway-${name}`, port, program: "gateway/src/main.ts", env };
  return startServer(options, pathsOf(home).logs, (process) => stops.unshift(process.stop));
}

/** A second service over the city's primary that knows of no replica, and a topology that leads to it. */
async function withoutReplica({ home, cluster, addressOf, log, signal, stops }: Parts): Promise<string> {
  const url = `http://127.0.0.1:${await freePort()}/graphql`;
  const name = `city-${CITY}`;
  const processes = cluster.processes();
  const urlOf = (process: string) =>
    process === name ? url : processes.find((record) => record.name === process)!.url;
  const file = join(pathsOf(home).logs, "without-replica.yaml");
  await writeFile(file, topologyText(urlOf));
  const service = await startService({
    name: `${name}-alone`,
    program: "services/city/src/main.ts",
    env: {
      CITY,
      PORT: new URL(url).port,
      HOST: "127.0.0.1",
      SERVICE_CREDENTIAL: await credentialOf(home),
      TOPOLOGY: file,
      LOG_LEVEL: "warn",
      DATABASE_URL: addressOf(primaryUrl(cluster, CITY)),
    },
    url,
    logFile: await beginLog(home, `${name}-alone`),
    log,
    signal,
  });
  stops.unshift(service.stop);
  return file;
}
