/**
 * A cluster on this machine: PostgreSQL servers for each city and for each node of the catalog, and a process
 * for every service. All are supervised.
 *
 * Start: primaries side by side; databases prepared; services side by side; the gateway, which composes what
 * they serve; replicas beside services and gateway. Stop: gateway, orders, cities, catalog, the payment
 * company, servers. In this order no process loses one that it depends on.
 */
import type { FileWatch } from "@teranga/kit/process/file-watch.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import { type Clock, systemClock } from "@teranga/kit/process/retry.ts";
import { closeAll } from "@teranga/kit/process/shutdown.ts";
import { parseTopology } from "@teranga/kit/topology/topology.ts";
import { assignPorts } from "./assign-ports.ts";
import { nextTopology, setSynchronous, watchSynchronous, writeTopology } from "./cluster-topology.ts";
import type { ClusterConfig } from "./config.ts";
import { DatabaseServers } from "./database-servers.ts";
import { claimHome, keepSecret, openHome, pathsOf, usingHome } from "./home.ts";
import { type ClusterParts, launchCluster, type Secrets } from "./launch-cluster.ts";
import { stopLeftovers } from "./leftovers.ts";
import { firstMembers, readMembers } from "./members.ts";
import { createProcessTable, type ProcessTable } from "./process-table.ts";
import { type ClusterPlan, type ProcessPlan, planCluster, processNames } from "./processes.ts";
import { type ReplicaCommand, ReplicaCommands } from "./replica-commands.ts";
import { forgetRequests, serveRequests } from "./requests.ts";
import { forgetProcesses, type ProcessRecord, readPorts, writePorts } from "./state.ts";
import { type ProcessStatus, statusOf } from "./status-of.ts";
import { Supervision } from "./supervision.ts";
import { keepTokenKey } from "./token-issuer.ts";

export interface ClusterOptions extends ClusterConfig {
  /** Gets one line for each crash and each restart. */
  log: Logger;
  /** Called with one line for each step of the start. */
  onProgress?: (line: string) => void;
  /** Aborts a start under way; what has started is stopped. */
  signal?: AbortSignal;
  clock?: Clock;
  /** Further settings of the PostgreSQL servers. */
  postgresSettings?: Readonly<Record<string, string>>;
  /** Further variables of the gateway. */
  gatewayEnvironment?: Readonly<Record<string, string>>;
  /** How many orchestrators; 1 by default. */
  orchestrators?: number;
  /** The replicas of the databases if the home is new; one replica in all by default. */
  replicas?: Readonly<Record<string, readonly string[]>>;
  /**
   * Puts something between a process and its callers, such as a proxy that tests break. Returns the port that
   * the callers get instead of the process's own. Called once for each service but the gateway, and once for
   * each database's server. A replica also finds its primary by it.
   */
  wire?: (process: string, port: number) => Promise<number>;
}

export interface Cluster {
  /** The gateway's GraphQL endpoint. */
  gatewayUrl: string;
  /** The processes that run now. */
  processes(): readonly ProcessRecord[];
  /** The processes that run now, each with its present health. */
  status(): Promise<ProcessStatus[]>;
  /**
   * Adds or removes a replica of a database (a city's id, or `catalog`), or makes one the primary.
   * @throws StartupError with one line if it cannot be done
   */
  replicas(command: ReplicaCommand, database: string): Promise<string>;
  /** Ends every process, in order, and releases the home. Can be called again. */
  stop(): Promise<void>;
}

/**
 * Starts a cluster and waits until all of it is ready.
 * @throws StartupError with one line for what the operator can mend; nothing is left running
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const { home, log } = options;
  await openHome(home);
  const claim = await usingHome(home, () => claimHome(home));
  const end = new AbortController();
  const watches: FileWatch[] = [];
  let parts: Parts | undefined;
  let stopping: Promise<void> | undefined;
  const stop = () => {
    end.abort();
    stopping ??= stopAll(parts?.supervision, watches, home, claim.release);
    return stopping;
  };
  const abort = () =>
    void stop().catch((error: unknown) => log.error({ err: error }, "stopping was not clean"));
  options.signal?.addEventListener("abort", abort);
  try {
    options.signal?.throwIfAborted();
    await stopLeftovers(home, log);
    parts = await makeParts(options, end.signal);
    await launchCluster(parts, options);
    const { plan, secrets, table, servers } = parts;
    const commands = commandsOf(parts, options);
    const replicas = (command: ReplicaCommand, database: string) => commands.run(command, database);
    end.signal.throwIfAborted();
    watches.push(watchSynchronous(home, servers, log), serveRequests({ home, log, carryOut: replicas }));
    const status = () => statusOf(table.records(), secrets.password);
    return { gatewayUrl: plan.gateway.url, processes: table.records, status, replicas, stop };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    options.signal?.removeEventListener("abort", abort);
  }
}

interface Parts extends ClusterParts {
  table: ProcessTable;
  /** The port at which the others find a process, by its name. */
  seenPorts: Map<string, number>;
}

async function makeParts(options: ClusterOptions, ended: AbortSignal): Promise<Parts> {
  const { home, log, clock = systemClock, postgresSettings: settings } = options;
  const plan = await makePlan(options);
  const table = createProcessTable(home, allOf(plan), log);
  const supervision = new Supervision({ table, log, clock, ended });
  const seenPorts = await wireAll(options, plan);
  return usingHome(home, async () => {
    await forgetRequests(home);
    const secrets = await keepSecrets(home);
    await keepTokenKey(home);
    const { password, replicationPassword } = secrets;
    const servers = new DatabaseServers({
      home,
      password,
      replicationPassword,
      plans: plan.databases,
      seenPorts,
      supervision,
      log,
      settings,
    });
    const topology = await nextTopology(home, { plan, servers, seenPorts });
    await setSynchronous(parseTopology(topology), servers);
    return { plan, secrets, topology, table, supervision, servers, seenPorts };
  });
}

async function makePlan({
  home,
  ports: asked,
  orchestrators,
  catalogNodes,
  replicas,
  log,
}: ClusterOptions): Promise<ClusterPlan> {
  const members = readMembers(home, firstMembers(catalogNodes, replicas), (line) => log.info(line));
  const ports = await assignPorts(processNames(members, orchestrators), asked, readPorts(home));
  writePorts(home, ports);
  return planCluster(ports, members, orchestrators);
}

async function wireAll(
  { wire }: ClusterOptions,
  { catalogs, orders, cities, databases }: ClusterPlan,
): Promise<Map<string, number>> {
  const seenPorts = new Map<string, number>();
  for (const { name, port } of [...catalogs, ...orders, ...cities, ...databases])
    seenPorts.set(name, (await wire?.(name, port)) ?? port);
  return seenPorts;
}

async function keepSecrets(home: string): Promise<Secrets> {
  const paths = pathsOf(home);
  return {
    credential: await keepSecret(paths.credential),
    password: await keepSecret(paths.postgresPassword),
    replicationPassword: await keepSecret(paths.replicationPassword),
    paymentSecret: await keepSecret(paths.paymentSecret),
  };
}

function allOf({ databases, catalogs, orders, cities, mobileMoney, gateway }: ClusterPlan): ProcessPlan[] {
  return [gateway, ...orders, ...catalogs, ...cities, mobileMoney, ...databases];
}

function commandsOf(parts: Parts, { home, log, wire }: ClusterOptions): ReplicaCommands {
  const { servers, table, supervision, seenPorts } = parts;
  return new ReplicaCommands({
    home,
    servers,
    table,
    supervision,
    log,
    async wire(name, port) {
      seenPorts.set(name, (await wire?.(name, port)) ?? port);
    },
    writeTopology: async () => writeTopology(home, await nextTopology(home, parts)),
  });
}

async function stopAll(
  supervision: Supervision | undefined,
  watches: readonly FileWatch[],
  home: string,
  release: () => Promise<void>,
): Promise<void> {
  await closeAll([
    ...(supervision?.endSteps() ?? []),
    // After the processes, so that a command under way ends soon.
    { name: "watches", close: async () => void (await Promise.all(watches.map((watch) => watch.stop()))) },
    { name: "the list of processes", close: async () => forgetProcesses(home) },
    { name: "the home", close: release },
  ]);
}
