/** Starts the processes of a cluster, in the order in which they need one another. */
import type { Logger } from "@teranga/kit/process/log.ts";
import { parseTopology } from "@teranga/kit/topology/topology.ts";
import { writeTopology } from "./cluster-topology.ts";
import type { ClusterConfig } from "./config.ts";
import type { DatabaseServers } from "./database-servers.ts";
import { beginLog, pathsOf } from "./home.ts";
import { sayIfRelocated } from "./postgres-data.ts";
import { prepareDatabases } from "./prepare-databases.ts";
import type { ClusterPlan, ServicePlan } from "./processes.ts";
import { startService } from "./service-process.ts";
import type { ProcessKind } from "./state.ts";
import type { Supervision } from "./supervision.ts";
import { issuerVariables } from "./token-issuer.ts";

export interface ClusterParts {
  plan: ClusterPlan;
  secrets: Secrets;
  /** The topology of this start. */
  topology: string;
  supervision: Supervision;
  servers: DatabaseServers;
}

export interface Secrets {
  /** The services show it to one another. */
  credential: string;
  /** The database superuser's. */
  password: string;
  /** The replicas stream with it. */
  replicationPassword: string;
  /** The key with which the cities sign their messages to the payment company. */
  paymentSecret: string;
}

interface LaunchOptions extends Pick<ClusterConfig, "home" | "logLevel"> {
  log: Logger;
  onProgress?: (line: string) => void;
  /** Further variables of the gateway. */
  gatewayEnvironment?: Readonly<Record<string, string>>;
}

export async function launchCluster(parts: ClusterParts, options: LaunchOptions): Promise<void> {
  const { plan, servers, supervision, topology } = parts;
  const { home, log, onProgress = () => {} } = options;
  const startOne = async (service: ServicePlan) => {
    const { name, program, url } = service;
    const logFile = await beginLog(home, name);
    const env = serviceEnvironment(service, parts, options);
    await supervision.start(service, (signal) =>
      startService({ name, program, env, url, logFile, log, signal }),
    );
  };
  await sayIfRelocated(pathsOf(home).postgres, log);
  const services = [...plan.catalogs, ...plan.orders, ...plan.cities, plan.mobileMoney];
  onProgress(`  ${plan.databases.length} PostgreSQL servers …`);
  await servers.startPrimaries();
  onProgress("  tables, and sample data where there is none …");
  await prepareDatabases(servers.primaryUrls(), parseTopology(topology));
  // Its cities have accepted it now. One that they refuse, once kept, would be refused at each start.
  await writeTopology(home, topology);
  servers.save();
  onProgress(`  ${services.length} services …`);
  const startServices = async () => {
    await Promise.all(services.map(startOne));
    onProgress("  the gateway …");
    await startOne(plan.gateway);
  };
  // A replica is copied meanwhile. Nobody needs it to start.
  await Promise.all([servers.startReplicas(), startServices()]);
}

function serviceEnvironment(
  { kind, portVariable, port, city, database, node }: ServicePlan,
  { plan, secrets, servers }: ClusterParts,
  { home, logLevel, gatewayEnvironment }: LaunchOptions,
): Record<string, string> {
  // All processes listen on loopback; only the gateway may be opened to other machines.
  const host = (kind === "gateway" && process.env.HOST) || "127.0.0.1";
  return {
    [portVariable]: String(port),
    HOST: host,
    SERVICE_CREDENTIAL: secrets.credential,
    TOPOLOGY: pathsOf(home).topology,
    LOG_LEVEL: logLevel,
    ...(kind === "gateway" && {
      SUPERGRAPH_CACHE: pathsOf(home).supergraph,
      ...issuerVariables(home, process.env),
      ...gatewayEnvironment,
    }),
    ...(city === null ? {} : { CITY: city }),
    ...(node === null ? {} : { CATALOG_NODE: node }),
    ...paymentEnvironment(kind, { url: plan.mobileMoney.url, secret: secrets.paymentSecret }, home),
    ...(database === null ? {} : { DATABASE_URL: servers.serviceUrl(database) }),
  };
}

/** A payment company that the operator names takes precedence over the simulated one. */
function paymentEnvironment(
  kind: ProcessKind,
  { url, secret }: { url: string; secret: string },
  home: string,
): Record<string, string> {
  if (kind === "mobile-money")
    return { PAYMENT_PROVIDER_SECRET: secret, JOURNAL: pathsOf(home).mobileMoneyJournal };
  if (kind !== "city" || process.env.PAYMENT_PROVIDER_URL) return {};
  return { PAYMENT_PROVIDER_URL: url, PAYMENT_PROVIDER_SECRET: secret };
}
