/**
 * The whole graph in this process: gateway, orders, catalog and four cities as real HTTP services with
 * databases of their own and the sample data. Tests see every SQL statement and every subgraph request, and
 * can stop, slow and restart a city.
 */
import { startCatalog } from "@teranga/catalog/service.ts";
import type { PaymentProvider } from "@teranga/city/payments/payment-provider.ts";
import { startCity } from "@teranga/city/service.ts";
import { surfaceOf } from "@teranga/gateway/door/surface.ts";
import { testedEngine } from "@teranga/gateway/fixture/library.ts";
import { startGateway } from "@teranga/gateway/gateway.ts";
import { actAs } from "@teranga/gateway/identity/identity-means.ts";
import { CITIES, topologyText } from "@teranga/infra/cities.ts";
import { freePort } from "@teranga/infra/ports.ts";
import type { RunningServer } from "@teranga/kit/http/listen.ts";
import type { Sql } from "@teranga/kit/postgres/database.ts";
import { createLogger, type Logger } from "@teranga/kit/process/log.ts";
import type { RedisTarget } from "@teranga/kit/redis/redis-url.ts";
import { parseTopology } from "@teranga/kit/topology/topology.ts";
import { startOrders } from "@teranga/orders/service.ts";
import type { CityClock } from "@teranga/protocol/city/city-clock.ts";
import type { GraphQLFormattedError } from "graphql";
import { inject } from "vitest";
import { createDatabases, dropDatabases } from "./databases.ts";
import { type OrdersProcess, startOrdersProcess } from "./orders-process.ts";
import { type ServiceProxy, startProxy } from "./proxy.ts";

/** One request from the gateway to a service. */
export interface SubgraphRequest {
  subgraph: string;
  partition?: string | undefined;
  operation: string;
}

export interface Answer {
  // biome-ignore lint/suspicious/noExplicitAny: a test knows the shape of what it asks for
  data: any;
  errors?: GraphQLFormattedError[];
}

export interface Graph {
  /** The gateway's endpoint. */
  url: string;
  /** Sends an operation to the gateway. */
  query(query: string, variables?: Record<string, unknown>): Promise<Answer>;
  /** The requests to services since the last `forget`, in order, e.g. `city:dakar`. */
  requests: SubgraphRequest[];
  /** The SQL statements since the last `forget`, by database (`catalog`, `dakar`, …). */
  statements: Record<string, string[]>;
  forget(): void;
  /** A city's database, for tests that read it or break it. */
  sql(cityId: string): Sql;
  catalogSql: Sql;
  /** A service's own endpoint, not its proxy: of `orders`, `catalog` or a city. */
  serviceUrl(name: string): string;
  /** The proxy before a city's service, on the way from the gateway and the orders service. */
  proxy(cityId: string): ServiceProxy;
  /** The orders service, if it is a process of its own. */
  orders: OrdersProcess | undefined;
  stopCity(cityId: string): Promise<void>;
  /** The proxy between a city's service and its database. */
  databaseProxy(cityId: string): ServiceProxy;
  startCity(cityId: string): Promise<void>;
  close(): Promise<void>;
}

/** The services' credential. */
export const CREDENTIAL = "a-credential-for-tests";
/** Whoever asks is an operator of the company. */
export const OPERATOR = actAs({ role: "company-operator", subject: "development" });
export const CITY_IDS = CITIES.map(({ id }) => id);

export interface GraphOptions {
  /** How long the gateway and the orders service wait for a service. */
  deadlineMs?: number;
  /** How often cities look for transactions to finish. */
  recoveryIntervalMs?: number;
  /** Runs the orders service as a process of its own, which can be killed. */
  ordersAsProcess?: boolean;
  /** The cities' clock. */
  clock?: CityClock;
  /** The ways of paying beside cash and the wallet; none by default. */
  paymentProviders?: readonly PaymentProvider[];
  /** Where the catalog streams its changes to; nowhere by default. */
  redis?: RedisTarget;
  /** How many bytes of answers the gateway keeps; none by default. */
  cacheBytesMax?: number;
  log?: Logger;
}

export async function startGraph(graphOptions: GraphOptions = {}): Promise<Graph> {
  const { recoveryIntervalMs = 50, ordersAsProcess = false, deadlineMs, clock } = graphOptions;
  const { paymentProviders = [], redis, cacheBytesMax } = graphOptions;
  const log = graphOptions.log ?? createLogger("test", process.env.TEST_LOG_LEVEL ?? "silent");
  const shared = { credential: CREDENTIAL, log };
  const databases = await createDatabases();
  const { ports, proxies, direct, proxied, proxiedText } = await openWires();
  const { statements, record } = createRecorder();
  const requests: SubgraphRequest[] = [];

  const databasePort = Number(new URL(inject("postgresUrl")).port);
  const databaseProxies = new Map<string, ServiceProxy>();
  for (const id of CITY_IDS) databaseProxies.set(id, await startProxy(databasePort));
  const cities = new Map<string, RunningServer>();
  const runCity = async (cityId: string) => {
    const databaseUrl = databaseProxies.get(cityId)!.before(databases.get(cityId)!.url);
    const place = { cityId, databaseUrl, topology: direct, port: ports.get(cityId)! };
    const pace = { recoveryIntervalMs, paymentProviders, ...(clock && { clock }) };
    cities.set(cityId, await startCity({ ...shared, ...place, ...pace, onStatement: record(cityId) }));
  };
  await Promise.all(CITY_IDS.map(runCity));
  const catalog = await startCatalog({
    ...shared,
    topology: direct,
    databaseUrl: databases.get("catalog")!.url,
    redis,
    port: ports.get("catalog")!,
    onStatement: record("catalog"),
  });
  const port = ports.get("orders")!;
  const ordersProcess = ordersAsProcess
    ? await startOrdersProcess({ port, topology: proxiedText, credential: CREDENTIAL })
    : undefined;
  const orders = ordersProcess ?? (await startOrders({ ...shared, topology: proxied, port }));
  const gateway = await startGateway({
    ...shared,
    identity: OPERATOR,
    ...(deadlineMs !== undefined && { deadlineMs }),
    source: { kind: "topology", topology: proxied },
    engine: testedEngine(),
    surface: { ...surfaceOf("production"), introspection: true },
    port: 0,
    cacheBytesMax,
    onSubgraphRequest: (request) => requests.push(request),
  });

  return {
    url: gateway.url,
    query: (query, variables) => ask(gateway.url, query, variables),
    requests,
    statements,
    forget() {
      requests.length = 0;
      for (const list of Object.values(statements)) list.length = 0;
    },
    sql: (cityId) => databases.get(cityId)!.sql,
    catalogSql: databases.get("catalog")!.sql,
    serviceUrl: (name) => `http://127.0.0.1:${ports.get(name)}/graphql`,
    proxy: (cityId) => proxies.get(cityId)!,
    orders: ordersProcess,
    async stopCity(cityId) {
      await cities.get(cityId)!.close();
      cities.delete(cityId);
    },
    databaseProxy: (cityId) => databaseProxies.get(cityId)!,
    startCity: runCity,
    async close() {
      await gateway.close();
      await orders.close();
      await Promise.all([...cities.values(), catalog].map((service) => service.close()));
      const wires = [...proxies.values(), ...databaseProxies.values()];
      await Promise.all(wires.map((proxy) => proxy.close()));
      await dropDatabases(databases);
    },
  };
}

/** Opens ports for all services, and a proxy before each city. */
async function openWires() {
  const ports = new Map<string, number>();
  for (const name of ["catalog", "orders", ...CITY_IDS]) ports.set(name, await freePort());
  const proxies = new Map<string, ServiceProxy>();
  for (const id of CITY_IDS) proxies.set(id, await startProxy(ports.get(id)!));

  const ownName = (process: string) => process.replace(/^city-/, "");
  const directUrl = (process: string) => `http://127.0.0.1:${ports.get(ownName(process))}/graphql`;
  const proxiedText = topologyText((process) => proxies.get(ownName(process))?.url ?? directUrl(process));
  return {
    ports,
    proxies,
    /** For the services among themselves. */
    direct: parseTopology(topologyText(directUrl)),
    /** For gateway and orchestrator, so that a test can cut them off from a city. */
    proxied: parseTopology(proxiedText),
    proxiedText,
  };
}

/** Records the statements of each database. */
function createRecorder() {
  const statements: Record<string, string[]> = {};
  const record = (name: string) => {
    statements[name] = [];
    return (text: string) => {
      // The driver asks each new connection for its array types.
      if (!text.includes("pg_catalog")) statements[name]!.push(text.trim().replace(/\s+/g, " "));
    };
  };
  return { statements, record };
}

/** Sends an operation to a GraphQL endpoint as a client does. */
export async function ask(
  url: string,
  query: string,
  variables: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ query, variables }),
  });
  return (await response.json()) as Answer;
}
