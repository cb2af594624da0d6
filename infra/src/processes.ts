/** The processes of a cluster: name and kind, URL, and the configuration of each service. */
import { CITIES } from "./cities.ts";
import { type DatabaseMembers, isCatalog, membersOf, nameOnServer, nodeOf } from "./members.ts";
import { SUPERUSER } from "./postgres-data.ts";
import type { ProcessKind, ServerRole } from "./state.ts";

/** The description of a process before it is started. */
export interface ProcessPlan {
  /** Unique in the cluster; the name of its log. */
  name: string;
  kind: ProcessKind;
  /** The city's id; null for a process that belongs to no city. */
  city: string | null;
  port: number;
  /** What a database's server is; null for any other process. */
  role: ServerRole | null;
  /** The GraphQL endpoint, the simulated company's URL, or a database's without its password. */
  url: string;
}

/** One server of a database. */
export interface DatabasePlan extends ProcessPlan {
  kind: "postgres";
  role: ServerRole;
  /** The city's id, `catalog`, or `catalog-<node>`. */
  database: string;
  /** Its name among the servers of the database, and that of its data directory. */
  member: string;
}

export interface ServicePlan extends ProcessPlan {
  kind: Exclude<ProcessKind, "postgres">;
  /** The program's path in the checkout. */
  program: string;
  /** The name of its database; null if it has none. */
  database: string | null;
  /** The node of the catalog that it is; null if it is none. */
  node: string | null;
  /** The environment variable that gives its port. */
  portVariable: string;
}

/** The plans, each list in the order of the topology. */
export interface ClusterPlan {
  databases: DatabasePlan[];
  /** One for each node, the one that is asked first in front; or one. */
  catalogs: ServicePlan[];
  /** One or more instances of the same program. */
  orders: ServicePlan[];
  cities: ServicePlan[];
  /** The simulated mobile-money company. */
  mobileMoney: ServicePlan;
  gateway: ServicePlan;
}

const MOBILE_MONEY = "mobile-money";

/** The name of the process of a database's server. */
export const serverOf = (member: string) => `postgres-${member}`;

/** `orders`, `orders-2`, … */
function orchestratorNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => (index === 0 ? "orders" : `orders-${index + 1}`));
}

/** Every process name, in the order of a table for people. */
export function processNames(members: DatabaseMembers, orchestrators = 1): string[] {
  const cities = CITIES.map(({ id }) => id);
  const services = [
    "gateway",
    ...orchestratorNames(orchestrators),
    ...Object.keys(members).filter(isCatalog),
    ...cities.map((id) => `city-${id}`),
    MOBILE_MONEY,
  ];
  return [...services, ...Object.values(members).flatMap(membersOf).map(serverOf)];
}

/** @param ports a port for each of `processNames(members, orchestrators)` */
export function planCluster(
  ports: Readonly<Record<string, number>>,
  members: DatabaseMembers,
  orchestrators = 1,
): ClusterPlan {
  const service = (name: string, kind: ServicePlan["kind"], folder: string): ServicePlan => ({
    name,
    kind,
    city: null,
    port: ports[name]!,
    role: null,
    url: endpoint(ports[name]!),
    program: `${folder}/src/main.ts`,
    database: null,
    node: null,
    portVariable: "PORT",
  });
  return {
    databases: Object.entries(members).flatMap(([database, its]) =>
      membersOf(its).map((member) => planServer(database, member, its.primary, ports[serverOf(member)]!)),
    ),
    catalogs: Object.keys(members)
      .filter(isCatalog)
      .map((database) => {
        const its = service(database, "catalog", "services/catalog");
        return { ...its, database, node: nodeOf(database) ?? null };
      }),
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

/** Plans one server of a database. */
export function planServer(database: string, member: string, primary: string, port: number): DatabasePlan {
  return {
    name: serverOf(member),
    kind: "postgres",
    city: isCatalog(database) ? null : database,
    port,
    role: member === primary ? "primary" : "replica",
    url: `postgres://${SUPERUSER}@127.0.0.1:${port}/${nameOnServer(database)}`,
    database,
    member,
  };
}

/** The GraphQL endpoint of a local service. */
export function endpoint(port: number): string {
  return `http://127.0.0.1:${port}/graphql`;
}
