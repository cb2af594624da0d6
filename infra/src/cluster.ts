/**
 * A cluster on this machine: one PostgreSQL server for each city and one for the catalog, and a process for
 * every service. All are supervised.
 *
 * Start: servers side by side; databases prepared; services side by side; the gateway, which composes what
 * they serve. Stop: gateway, orders, cities, catalog, the payment company, servers. In this order no process
 * loses one that it depends on.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "@teranga/kit/process/log.ts";
import { type Clock, systemClock } from "@teranga/kit/process/retry.ts";
import { closeAll } from "@teranga/kit/process/shutdown.ts";
import { parseTopology, parseTopologyFile } from "@teranga/kit/topology/topology.ts";
import { parse } from "yaml";
import { assignPorts } from "./assign-ports.ts";
import { type KeptTopology, topologyText } from "./cities.ts";
import type { ClusterConfig } from "./config.ts";
import { beginLog, claimHome, FILE_MODE, keepSecret, noneIf, openHome, pathsOf, usingHome } from "./home.ts";
import { stopLeftovers } from "./leftovers.ts";
import { startPostgres } from "./postgres.ts";
import { sayIfRelocated } from "./postgres-data.ts";
import { prepareDatabases } from "./prepare-databases.ts";
import { createProcessTable, type ProcessTable } from "./process-table.ts";
import {
  type ClusterPlan,
  type DatabasePlan,
  endpoint,
  type ProcessPlan,
  planCluster,
  processNames,
  type ServicePlan,
  serverOf,
} from "./processes.ts";
import { startService } from "./service-process.ts";
import { forgetProcesses, type ProcessKind, type ProcessRecord, readPorts, writePorts } from "./state.ts";
import { type ProcessStatus, statusOf } from "./status-of.ts";
import { type LaunchedProcess, Supervisor } from "./supervisor.ts";

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
  /** How many orchestrators; 1 by default. */
  orchestrators?: number;
  /**
   * Puts something between a process and its callers, such as a proxy that tests break. Returns the port that
   * the callers get instead of the process's own. Called once for each service but the gateway, and once for
   * each database.
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
  const supervised: Supervised[] = [];
  const end = new AbortController();
  let stopping: Promise<void> | undefined;
  const stop = () => {
    end.abort();
    stopping ??= stopAll(supervised, home, claim.release);
    return stopping;
  };
  const abort = () =>
    void stop().catch((error: unknown) => log.error({ err: error }, "stopping was not clean"));
  options.signal?.addEventListener("abort", abort);
  try {
    options.signal?.throwIfAborted();
    await stopLeftovers(home, log);
    const plan = await makePlan(options);
    const table = createProcessTable(home, allOf(plan), log);
    const shared = await usingHome(home, () => makeShared(options, plan));
    await launchAll(plan, shared, { ...options, table, supervised, ended: end.signal });
    const status = () => statusOf(table.records(), shared.password);
    return { gatewayUrl: plan.gateway.url, processes: table.records, status, stop };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    options.signal?.removeEventListener("abort", abort);
  }
}

interface Supervised {
  kind: ProcessKind;
  supervisor: Supervisor;
}

/** What the processes share. */
interface Shared {
  credential: string;
  password: string;
  /** The key with which the cities sign their messages to the payment company. */
  paymentSecret: string;
  paymentUrl: string;
  topologyText: string;
  /** The database URLs with their password, by database; filled as the servers come up. */
  databaseUrls: Map<string, string>;
  /** The port at which the others find a process, by its name. */
  seenPorts: ReadonlyMap<string, number>;
}

async function makePlan({ home, ports: asked, orchestrators }: ClusterOptions): Promise<ClusterPlan> {
  const ports = await assignPorts(processNames(orchestrators), asked, readPorts(home));
  writePorts(home, ports);
  return planCluster(ports, orchestrators);
}

async function makeShared({ home, wire }: ClusterOptions, plan: ClusterPlan): Promise<Shared> {
  const paths = pathsOf(home);
  const { catalog, orders, cities, databases } = plan;
  const seenPorts = new Map<string, number>();
  for (const { name, port } of [catalog, ...orders, ...cities, ...databases])
    seenPorts.set(name, (await wire?.(name, port)) ?? port);
  const text = topologyText(
    (name) => endpoint(seenPorts.get(name)!),
    orders.map(({ name }) => name),
    await keptTopology(paths.topology),
  );
  return {
    credential: await keepSecret(paths.credential),
    password: await keepSecret(paths.postgresPassword),
    paymentSecret: await keepSecret(paths.paymentSecret),
    paymentUrl: plan.mobileMoney.url,
    topologyText: text,
    databaseUrls: new Map(),
    seenPorts,
  };
}

/**
 * @throws StartupError if the file exists and cannot be parsed: what was written into it by hand must not be
 * lost
 */
async function keptTopology(file: string): Promise<KeptTopology> {
  const text = await readFile(file, "utf8").catch(noneIf("ENOENT"));
  if (text === undefined) return {};
  parseTopologyFile(file, { kind: "text", text });
  return parse(text) as KeptTopology;
}

function allOf({ databases, catalog, orders, cities, mobileMoney, gateway }: ClusterPlan): ProcessPlan[] {
  return [gateway, ...orders, catalog, ...cities, mobileMoney, ...databases];
}

interface LaunchOptions extends ClusterOptions {
  table: ProcessTable;
  /** Filled with what is started. */
  supervised: Supervised[];
  /** Once it is aborted, no further process may be started. */
  ended: AbortSignal;
}

async function launchAll(plan: ClusterPlan, shared: Shared, options: LaunchOptions): Promise<void> {
  const { home, log, postgresSettings, onProgress = () => {} } = options;
  const startDatabase = async (process: DatabasePlan) => {
    const { name, port, database } = process;
    const logFile = await beginLog(home, name);
    const directory = join(pathsOf(home).postgres, database);
    await supervise(process, options, async (signal) => {
      const server = await startPostgres({
        directory,
        port,
        password: shared.password,
        logFile,
        log,
        signal,
        ...(postgresSettings && { settings: postgresSettings }),
      });
      try {
        shared.databaseUrls.set(database, await server.ensureDatabase(database));
        return server;
      } catch (error) {
        await server.stop();
        throw error;
      }
    });
  };
  const startOne = async (process: ServicePlan) => {
    const { name, program, url } = process;
    const logFile = await beginLog(home, name);
    const env = serviceEnvironment(process, shared, options);
    await supervise(process, options, (signal) =>
      startService({ name, program, env, url, logFile, log, signal }),
    );
  };
  await sayIfRelocated(pathsOf(home).postgres, log);
  const services = [plan.catalog, ...plan.orders, ...plan.cities, plan.mobileMoney];
  onProgress(`  ${plan.databases.length} PostgreSQL servers …`);
  await Promise.all(plan.databases.map(startDatabase));
  onProgress("  tables, and sample data where there is none …");
  await prepareDatabases(shared.databaseUrls, parseTopology(shared.topologyText));
  // Its cities have accepted it now. One that they refuse, once kept, would be refused at each start.
  await usingHome(home, () => writeFile(pathsOf(home).topology, shared.topologyText, { mode: FILE_MODE }));
  onProgress(`  ${services.length} services …`);
  await Promise.all(services.map(startOne));
  onProgress("  the gateway …");
  await startOne(plan.gateway);
}

/** Puts a process under supervision and waits until it is ready for the first time. */
async function supervise(
  { name, kind }: ProcessPlan,
  { table, supervised, ended, log, clock = systemClock }: LaunchOptions,
  launch: (signal: AbortSignal) => Promise<LaunchedProcess>,
): Promise<void> {
  ended.throwIfAborted();
  const supervisor = new Supervisor({ name, launch, onChange: table.onChange(name), log, clock });
  supervised.push({ kind, supervisor });
  await supervisor.start();
}

function serviceEnvironment(
  { kind, portVariable, port, city, database }: ServicePlan,
  shared: Shared,
  { home, logLevel }: ClusterConfig,
): Record<string, string> {
  const { credential, databaseUrls, seenPorts } = shared;
  // All processes listen on loopback; only the gateway may be opened to other machines.
  const host = (kind === "gateway" && process.env.HOST) || "127.0.0.1";
  const databaseUrl = (database: string) => {
    const url = new URL(databaseUrls.get(database)!);
    url.port = String(seenPorts.get(serverOf(database)));
    return url.href;
  };
  return {
    [portVariable]: String(port),
    HOST: host,
    SERVICE_CREDENTIAL: credential,
    TOPOLOGY: pathsOf(home).topology,
    LOG_LEVEL: logLevel,
    ...(kind === "gateway" ? { SUPERGRAPH_CACHE: pathsOf(home).supergraph } : {}),
    ...(city === null ? {} : { CITY: city }),
    ...paymentEnvironment(kind, shared, home),
    ...(database === null ? {} : { DATABASE_URL: databaseUrl(database) }),
  };
}

/** A payment company that the operator names takes precedence over the simulated one. */
function paymentEnvironment(
  kind: ProcessKind,
  { paymentSecret, paymentUrl }: Shared,
  home: string,
): Record<string, string> {
  if (kind === "mobile-money")
    return { PAYMENT_PROVIDER_SECRET: paymentSecret, JOURNAL: pathsOf(home).mobileMoneyJournal };
  if (kind !== "city" || process.env.PAYMENT_PROVIDER_URL) return {};
  return { PAYMENT_PROVIDER_URL: paymentUrl, PAYMENT_PROVIDER_SECRET: paymentSecret };
}

const STOP_ORDER: readonly ProcessKind[] = [
  "gateway",
  "orders",
  "city",
  "catalog",
  "mobile-money",
  "postgres",
];

/** All of a kind side by side, one kind after the other. */
async function stopAll(
  supervised: readonly Supervised[],
  home: string,
  release: () => Promise<void>,
): Promise<void> {
  const steps = STOP_ORDER.map((kind) => ({
    name: kind,
    close: async () => {
      const own = supervised.filter((each) => each.kind === kind);
      await Promise.all(own.map(({ supervisor }) => supervisor.stop()));
    },
  }));
  const forget = { name: "the list of processes", close: async () => forgetProcesses(home) };
  await closeAll([...steps, forget, { name: "the home", close: release }]);
}
