/** The processes of a cluster: name and kind, URL, and the configuration of each service. */
import { CITIES } from "./cities.ts";
import type { ProcessKind } from "./state.ts";

/** The description of a process before it is started. */
export interface ProcessPlan {
  /** Unique in the cluster; the name of its log. */
  name: string;
  kind: ProcessKind;
  /** The city's id; null for a process that belongs to no city. */
  city: string | null;
  port: number;
  /** The GraphQL endpoint, the simulated company's URL, or a database's without its password. */
  url: string;
}

export interface DatabasePlan extends ProcessPlan {
  kind: "postgres";
  /** The city's id, or `catalog`. */
  database: string;
}

export interface ServicePlan extends ProcessPlan {
  kind: Exclude<ProcessKind, "postgres">;
  /** The program's path in the checkout. */
  program: string;
  /** The name of its database; null if it has none. */
  database: string | null;
  /** The environment variable that gives its port. */
  portVariable: string;
}

/** The plans, each list in the order of the topology. */
export interface ClusterPlan {
  databases: DatabasePlan[];
  catalog: ServicePlan;
  /** One or more instances of the same program. */
  orders: ServicePlan[];
  cities: ServicePlan[];
  /** The simulated mobile-money company. */
  mobileMoney: ServicePlan;
  gateway: ServicePlan;
}

const MOBILE_MONEY = "mobile-money";

/** The name of a database's server process. */
export const serverOf = (database: string) => `postgres-${database}`;

/** `orders`, `orders-2`, … */
function orchestratorNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => (index === 0 ? "orders" : `orders-${index + 1}`));
}

/** Every process name, in the order of a table for people. */
export function processNames(orchestrators = 1): string[] {
  const cities = CITIES.map(({ id }) => id);
  const services = [
    "gateway",
    ...orchestratorNames(orchestrators),
    "catalog",
    ...cities.map((id) => `city-${id}`),
    MOBILE_MONEY,
  ];
  return [...services, ...["catalog", ...cities].map(serverOf)];
}

/** @param ports a port for each of `processNames(orchestrators)` */
export function planCluster(ports: Readonly<Record<string, number>>, orchestrators = 1): ClusterPlan {
  const database = (database: string, city: string | null): DatabasePlan => {
    const name = serverOf(database);
    const port = ports[name]!;
    return {
      name,
      kind: "postgres",
      city,
      port,
      url: `postgres://teranga@127.0.0.1:${port}/${database}`,
      database,
    };
  };
  const service = (name: string, kind: ServicePlan["kind"], folder: string): ServicePlan => ({
    name,
    kind,
    city: null,
    port: ports[name]!,
    url: endpoint(ports[name]!),
    program: `${folder}/src/main.ts`,
    database: null,
    portVariable: "PORT",
  });
  return {
    databases: [database("catalog", null), ...CITIES.map(({ id }) => database(id, id))],
    catalog: { ...service("catalog", "catalog", "services/catalog"), database: "catalog" },
    orders: orchestratorNames(orchestrators).map((name) => service(name, "orders", "services/orders")),
    cities: CITIES.map(({ id }) => {
      return { ...service(`city-${id}`, "city", "services/city"), city: id, database: id };
    }),
    mobileMoney: {
      ...service(MOBILE_MONEY, "mobile-money", "services/mobile-money"),
      url: `http://127.0.0.1:${ports[MOBILE_MONEY]!}`,
    },
    gateway: { ...service("gateway", "gateway", "gateway"), portVariable: "GATEWAY_PORT" },
  };
}

/** The GraphQL endpoint of a local service. */
export function endpoint(port: number): string {
  return `http://127.0.0.1:${port}/graphql`;
}
