/**
 * A shop of one city, in this process, over replicated databases: two gateways with their caches, two
 * catalogs, two instances of the city, one orchestrator, and a real Redis. Whatever can make a read old is
 * there.
 */
import { startCatalog } from "@teranga/catalog/service.ts";
import { startCity } from "@teranga/city/service.ts";
import { surfaceOf } from "@teranga/gateway/door/surface.ts";
import { startGateway } from "@teranga/gateway/gateway.ts";
import { actAs } from "@teranga/gateway/identity/identity-means.ts";
import { freePort } from "@teranga/infra/ports.ts";
import type { RunningServer } from "@teranga/kit/http/listen.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import type { RunningService, ServiceOptions } from "@teranga/kit/process/run-service.ts";
import { parseTopology } from "@teranga/kit/topology/topology.ts";
import { startOrders } from "@teranga/orders/service.ts";
import { type ServiceProxy, startProxy } from "../harness/proxy.ts";
import { ReplicatedServer } from "./replicated-server.ts";
import { type RedisKind, type SharedRedis, startSharedRedis } from "./shared-redis.ts";

const CREDENTIAL = "a-credential-for-tests";
export const CITY = "dakar";
const GATEWAYS = 2;
const INSTANCES = 2;
/** More than all registers need, so that an entry leaves only for a reason that a read can tell. */
const CACHE_BYTES_MAX = 4_000_000;

/** A service or a gateway that can be started again at its port. */
export interface Restartable {
  name: string;
  restart(): Promise<void>;
}

export interface ReadsWorld {
  /** The gateways' endpoints. */
  gateways: readonly string[];
  servers: { catalog: ReplicatedServer; city: ReplicatedServer };
  /** The wires to the instances of the catalog: for fetches and for changes. */
  wires: readonly ServiceProxy[];
  redis: SharedRedis | undefined;
  restartable: readonly Restartable[];
  close(): Promise<void>;
}

export interface WorldOptions {
  /** Database replicas of the catalog and of the city. */
  replicas: number;
  /** What gateways share their caches by. */
  redis: RedisKind;
  log: Logger;
}

export async function startWorld(options: WorldOptions): Promise<ReadsWorld> {
  const ends: (() => Promise<unknown>)[] = [];
  const close = async () => {
    for (const end of ends.splice(0).toReversed()) await end();
  };
  try {
    return { ...(await startAll(options, ends)), close };
  } catch (error) {
    // Servers are processes: they would outlive this one.
    await close();
    throw error;
  }
}

/** @param ends takes what ends each thing that was started, in the order of their starts */
async function startAll(
  { replicas, redis: kind, log }: WorldOptions,
  ends: (() => Promise<unknown>)[],
): Promise<Omit<ReadsWorld, "close">> {
  const catalog = await ReplicatedServer.start("catalog", replicas, log);
  ends.push(() => catalog.stop());
  const city = await ReplicatedServer.start(CITY, replicas, log);
  ends.push(() => city.stop());
  const redis = await startSharedRedis(kind);
  if (redis) ends.push(redis.stop);
  const ports = {
    catalog: await freePorts(INSTANCES),
    city: await freePorts(INSTANCES),
    orders: await freePorts(1),
    gateway: await freePorts(GATEWAYS),
  };
  const wires = await Promise.all(ports.catalog.map(startProxy));
  ends.push(() => Promise.all(wires.map((wire) => wire.close())));
  const wired = { ...ports, catalog: wires.map(({ port }) => port) };
  const topology = parseTopology(topologyText(wired, catalog, city));
  const common = (port: number): ServiceOptions => ({ topology, credential: CREDENTIAL, port, log });
  const catalogUrl = catalog.urlOf(catalog.members[0]!);
  const cityUrl = city.urlOf(city.members[0]!);
  const startGatewayAt = (port: number) =>
    startGateway({
      source: { kind: "topology", topology },
      credential: CREDENTIAL,
      identity: actAs({ role: "company-operator", subject: "development" }),
      surface: surfaceOf("development"),
      port,
      log,
      cacheBytesMax: CACHE_BYTES_MAX,
      redis: redis?.target,
    });
  const running: Running[] = [];
  const run = async (name: string, start: (port: number) => Promise<RunningServer>, all: number[]) => {
    for (const [index, port] of all.entries()) {
      const each = await Running.start(`${name} ${index + 1}`, () => start(port));
      running.push(each);
      ends.push(() => each.close());
    }
  };
  const catalogOf = (port: number) =>
    startCatalog({ ...common(port), databaseUrl: catalogUrl, redis: redis?.target });
  await run("catalog", catalogOf, ports.catalog);
  const cityOf = (port: number): Promise<RunningService> =>
    startCity({ ...common(port), cityId: CITY, databaseUrl: cityUrl });
  await run("city", cityOf, ports.city);
  await run("orders", (port) => startOrders(common(port)), ports.orders);
  await Promise.all([catalog.startReplicas(), city.startReplicas()]);
  await run("gateway", startGatewayAt, ports.gateway);
  return {
    gateways: ports.gateway.map((port) => `http://127.0.0.1:${port}/graphql`),
    servers: { catalog, city },
    wires,
    redis,
    restartable: running,
  };
}

class Running implements Restartable {
  readonly name: string;
  readonly #start: () => Promise<RunningServer>;
  #server: RunningServer;

  private constructor(name: string, start: () => Promise<RunningServer>, server: RunningServer) {
    this.name = name;
    this.#start = start;
    this.#server = server;
  }

  static async start(name: string, start: () => Promise<RunningServer>): Promise<Running> {
    return new Running(name, start, await start());
  }

  async restart(): Promise<void> {
    await this.#server.close();
    this.#server = await this.#start();
  }

  close(): Promise<void> {
    return this.#server.close();
  }
}

async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) ports.push(await freePort());
  return ports;
}

function topologyText(
  ports: { catalog: number[]; city: number[]; orders: number[] },
  catalog: ReplicatedServer,
  city: ReplicatedServer,
): string {
  const urls = (all: number[]) => all.map((port) => `http://127.0.0.1:${port}/graphql`);
  const location = { latitude: 14.69, longitude: -17.45 };
  const dakar = {
    name: "Dakar",
    default: true,
    location,
    urls: urls(ports.city),
    database: city.topologyOf(),
  };
  return JSON.stringify({
    subgraphs: {
      catalog: { replicas: urls(ports.catalog), database: catalog.topologyOf() },
      orders: { replicas: urls(ports.orders) },
      city: { partitions: { [CITY]: dakar } },
    },
  });
}
