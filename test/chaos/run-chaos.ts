/**
 * A run of chaos: faults hit a cluster under load for a while. Then the cluster is left alone. It must come
 * to rest by itself, and everything that a client was told must be true.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { brokenInvariants, type CityDatabases, countUnfinished } from "@teranga/infra/broken-invariants.ts";
import { createRandom } from "../harness/random.ts";
import { checkHistory } from "../history/check-history.ts";
import { type CityFacts, readCityFacts } from "../history/city-facts.ts";
import { commitsOf } from "../history/commits.ts";
import type { Operation } from "../history/operations.ts";
import {
  type RequestWeights,
  type ShopClients,
  type ShopWorld,
  startShopClients,
} from "../history/shop-clients.ts";
import { type ChaosCluster, startChaosCluster } from "./chaos-cluster.ts";
import { type FaultRecord, runFaults } from "./fault-schedule.ts";
import { type InDoubtTimes, measureInDoubt } from "./in-doubt.ts";
import { type LogFindings, readServiceLogs } from "./service-logs.ts";
import { unacknowledged } from "./unacknowledged.ts";
import { type Span, watchProcesses } from "./uptime.ts";

export interface ChaosOptions {
  seed: string;
  /** How long faults are injected. */
  durationMs: number;
  /** The mean time between two faults. */
  faultEveryMs: number;
  /** The number of concurrent clients. */
  clients: number;
  weights?: RequestWeights;
  /** Ends the run early; its result is still checked. */
  signal?: AbortSignal;
  /** Called with each line of progress. */
  say: (line: string) => void;
}

export interface ChaosReport {
  seed: string;
  /** The violations; empty if the run was good. */
  violations: string[];
  faults: FaultRecord[];
  operations: readonly Operation[];
  unclear: ReadonlyMap<string, number>;
  inDoubt: InDoubtTimes;
  logs: LogFindings;
  /** The time from the last fault until nothing was left to finish. */
  restAfterMs: number;
  commits: number;
  reads: number;
  /** The directory of the evidence; null after a good run, whose evidence is removed. */
  evidence: string | null;
}

const PRODUCTS = ["101", "102", "103", "104", "105", "106", "107", "108"];
const CLIENTS_OF_A_CITY = 3;
const PAUSE_MS = 150;
const TRIES_MAX = 4;
const OPERATIONS_OF_A_CLIENT_MAX = 100_000;
/** Far more than the waits of recovery (5 s at most) and of the supervisor (10 s at most) together. */
const REST_LIMIT_MS = 120_000;
const REST_LOOK_MS = 250;
/** Twice the time for which an orchestrator prepares (PREPARE_LEASE_MS of the orders service). */
const IN_DOUBT_P99_MAX_MS = 20_000;
/** The error codes that no client may get, whatever is killed. */
const FAULT_CODES = [
  "INTERNAL_SERVER_ERROR",
  "PROTOCOL_VIOLATION",
  "BAD_USER_INPUT",
  "GRAPHQL_VALIDATION_FAILED",
  "no code",
];

export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { say } = options;
  const cluster = await startChaosCluster();
  let report: ChaosReport | undefined;
  try {
    say(`The cluster is up in ${cluster.directory}.`);
    const before = new Set(commitsOf(await readAllFacts(cluster.databases)).keys());
    const evidence = { before, ...(await hurt(cluster, options)) };
    report = await judge(cluster, evidence, options);
    await writeEvidence(cluster, evidence, report);
    return report;
  } finally {
    await cluster.close({ keep: report?.evidence !== null });
  }
}

/** The material that a run is judged by. */
interface Evidence {
  /** The ids of the commits before the run: those of the sample data. */
  before: ReadonlySet<string>;
  clients: ShopClients;
  faults: FaultRecord[];
  notReady: Map<string, Span[]>;
  /** The time from the last fault to rest; infinite if the cluster did not come to rest. */
  restAfterMs: number;
}

async function hurt(cluster: ChaosCluster, options: ChaosOptions): Promise<Omit<Evidence, "before">> {
  const { seed, durationMs, faultEveryMs, clients: count, weights, say } = options;
  const random = createRandom(seed);
  const timeUp = AbortSignal.timeout(durationMs);
  const stop = options.signal ? AbortSignal.any([timeUp, options.signal]) : timeUp;
  const watched = new AbortController();
  const notReady = watchProcesses(cluster, watched.signal);
  const clients = startShopClients({
    url: cluster.url,
    random: random.fork("clients"),
    world: await readWorld(cluster.databases),
    ...(weights && { weights }),
    count,
    pauseMs: PAUSE_MS,
    stop,
    triesMax: TRIES_MAX,
    operationsMax: OPERATIONS_OF_A_CLIENT_MAX,
  });
  const faults = await runFaults({ cluster, random: random.fork("faults"), everyMs: faultEveryMs, stop });
  const calmSinceMs = performance.now();
  say(`${faults.length} faults, ${clients.operations.length} requests. Now the cluster is left alone.`);
  await clients.done;
  const atRest = await untilAtRest(cluster);
  const restAfterMs = atRest ? performance.now() - calmSinceMs : Number.POSITIVE_INFINITY;
  say(atRest ? `At rest after ${Math.round(restAfterMs)} ms.` : "It does not come to rest.");
  await clients.settle();
  await untilAtRest(cluster);
  watched.abort();
  return { clients, faults, notReady: await notReady, restAfterMs };
}

/** A few clients of each city, and a few products. */
async function readWorld(databases: CityDatabases): Promise<ShopWorld> {
  const clientIds: string[] = [];
  for (const sql of databases.values()) {
    const rows = await sql<{ id: string }[]>`select id from client order by id limit ${CLIENTS_OF_A_CITY}`;
    clientIds.push(...rows.map(({ id }) => id));
  }
  return { cityIds: [...databases.keys()], clientIds, productIds: PRODUCTS };
}

function readAllFacts(databases: CityDatabases): Promise<CityFacts[]> {
  return Promise.all(Array.from(databases, ([city, sql]) => readCityFacts(city, sql)));
}

/** Waits until every process is ready and nothing is left to finish. Returns false at the time limit. */
async function untilAtRest(cluster: ChaosCluster): Promise<boolean> {
  const deadlineMs = performance.now() + REST_LIMIT_MS;
  while (performance.now() < deadlineMs) {
    if (await isAtRest(cluster)) return true;
    await sleep(REST_LOOK_MS);
  }
  return false;
}

async function isAtRest(cluster: ChaosCluster): Promise<boolean> {
  if (cluster.processes().some(({ phase }) => phase !== "ready")) return false;
  try {
    for (const sql of cluster.databases.values()) {
      if (Object.values(await countUnfinished(sql)).some((count) => count > 0)) return false;
    }
    return true;
  } catch {
    // A database that has just come back cuts its old connections.
    return false;
  }
}

async function judge(
  cluster: ChaosCluster,
  { before, clients, faults, notReady, restAfterMs }: Evidence,
  { seed, say }: ChaosOptions,
): Promise<ChaosReport> {
  const cities = await readAllFacts(cluster.databases);
  const history = checkHistory({ cities, operations: clients.operations });
  const logs = await readServiceLogs(cluster.logs);
  const inDoubt = await measureInDoubt(cluster.databases, notReady, faults);
  const violations = [
    ...(Number.isFinite(restAfterMs) ? [] : [`not at rest within ${REST_LIMIT_MS} ms`]),
    ...(await brokenInvariants(cluster.databases)),
    ...unacknowledged(clients.operations, cities, before),
    ...faultsSeen(clients),
    ...clients.contradictions.map((line) => `an answer was taken back: ${line}`),
    ...history.violations,
    ...logs.alarms.map((line) => `alarm: ${line}`),
    ...logs.lostTransactions.map((line) => `a client met a lost transaction: ${line}`),
    ...(inDoubt.asked.p99Ms <= IN_DOUBT_P99_MAX_MS ? [] : [`in doubt for ${inDoubt.asked.p99Ms} ms (p99)`]),
  ];
  say(
    `${history.commits} commits in order, ${history.reads} reads checked, ${violations.length} violations.`,
  );
  return {
    seed,
    violations,
    faults,
    operations: clients.operations,
    unclear: clients.unclear,
    inDoubt,
    logs,
    restAfterMs,
    commits: history.commits,
    reads: history.reads,
    evidence: violations.length === 0 ? null : cluster.directory,
  };
}

function faultsSeen({ operations, unclear }: ShopClients): string[] {
  const refusals = operations.flatMap(({ answer }) => (answer.kind === "refused" ? [answer.why] : []));
  const seen = new Set([...unclear.keys(), ...refusals]);
  return FAULT_CODES.filter((code) => seen.has(code)).map((code) => `a client was told ${code}`);
}

/** Keeps the databases and logs, and writes beside them what only this process knows. */
async function writeEvidence(
  { directory }: ChaosCluster,
  { clients, faults }: Evidence,
  { evidence, violations, seed }: ChaosReport,
): Promise<void> {
  if (evidence === null) return;
  const lines = (values: readonly unknown[]) => values.map((value) => `${JSON.stringify(value)}\n`).join("");
  await writeFile(join(directory, "seed"), `${seed}\n`);
  await writeFile(join(directory, "violations"), `${violations.join("\n")}\n`);
  await writeFile(join(directory, "faults.jsonl"), lines(faults));
  await writeFile(join(directory, "operations.jsonl"), lines(clients.operations));
}
