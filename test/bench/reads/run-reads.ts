/** One run of the load generator against one gateway, with what it cost the cluster. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Pool } from "undici";
import { type Generator, type StreamRun, summarise } from "../gateway/measure.ts";
import { keepProfile } from "../gateway/profiles.ts";
import type { MeasuredServer } from "../gateway/servers.ts";
import { ask } from "../gateway/servers.ts";
import { cpuMs } from "../process-cpu.ts";
import { updateBodies, updatedProducts } from "./operations.ts";
import type { Options } from "./options.ts";
import type { GatewayName, ReadsCluster } from "./reads-cluster.ts";

export interface Bench {
  options: Options;
  cluster: ReadsCluster;
  generator: Generator;
  say: (line: string) => void;
  signal: AbortSignal;
}

export interface Load {
  name: string;
  bodies: readonly string[];
  connections: number;
  /** Who changes products meanwhile: a connection that no gateway knows of, or the same gateway. */
  writes: "nobody" | "psql" | "gateway";
}

export interface ReadsRun extends StreamRun {
  /** The CPU time of a group of processes, in milliseconds a read. */
  cpuOf: ReadonlyMap<string, number>;
  /** That of the gateway. */
  gatewayCpuMs: number;
  /** The share of what may be kept that was. NaN without a cache. */
  foundShare: number;
}

/** Four changes a second. */
const WRITE_PAUSE_MS = 250;

/** @param pids the groups of processes whose CPU time is wanted */
export async function runReads(
  gateway: GatewayName,
  load: Load,
  { options, cluster, generator, say, signal }: Bench,
  pids: Readonly<Record<string, readonly number[]>> = {},
): Promise<ReadsRun> {
  signal.throwIfAborted();
  const server = await cluster.gateway(gateway);
  generator.send({ kind: "load", url: server.url, streams: streamsOf(load) });
  const endWrites = load.writes === "psql" ? writeBeside(cluster) : undefined;
  await sleep(options.warmUpMs);
  const profile = options.cpuProfile ? await beginProfile(server) : undefined;
  const groups = Object.entries(pids);
  const before = groups.map(([, own]) => cpuMs(own));
  const gatewayBefore = cpuMs([server.process.pid]);
  const lookedBefore = await cluster.lookups(gateway);
  generator.send({ kind: "measure", forMs: options.measureMs });
  const { measuredMs, streams } = await generator.next("measured");
  const used = groups.map(([, own], index) => cpuMs(own) - before[index]!);
  const gatewayUsedMs = cpuMs([server.process.pid]) - gatewayBefore;
  const found = await cluster.lookups(gateway);
  generator.send({ kind: "end" });
  await generator.next("ended");
  await endWrites?.();
  await profile?.(`reads-${gateway}-${load.name}`.replaceAll(" ", "-"));
  const [reads, writes] = streams.map((report) => summarise(report, measuredMs));
  const { requestsPerS, p50Ms, p99Ms, answered } = reads!;
  const failures = Object.entries({ ...reads!.failures, ...writes?.failures });
  say(
    [
      `${load.name}: ${gateway}`.padEnd(52),
      `${requestsPerS.toFixed(0)}/s`.padStart(8),
      `p50 ${p50Ms.toFixed(2)} ms, p99 ${p99Ms.toFixed(1)} ms`,
      `gateway ${(gatewayUsedMs / answered).toFixed(3)} ms of CPU a read`,
      ...failures.map(([failure, count]) => `${count} × ${failure}`),
    ].join("  "),
  );
  const cpuOf = new Map(groups.map(([name], index) => [name, used[index]! / answered]));
  const [hits, misses] = [found.hits - lookedBefore.hits, found.misses - lookedBefore.misses];
  return { ...reads!, cpuOf, gatewayCpuMs: gatewayUsedMs / answered, foundShare: hits / (hits + misses) };
}

function streamsOf({ name, bodies, connections, writes }: Load) {
  const reads = { name, bodies, connections, answerBytes: null, pauseMs: 0 };
  const changes = { name: "writes", bodies: updateBodies(), connections: 1, answerBytes: null };
  return writes === "gateway" ? [reads, { ...changes, pauseMs: WRITE_PAUSE_MS }] : [reads];
}

/** Changes a product as `psql` does. */
export const changeProduct = (cluster: ReadsCluster, id: string) =>
  cluster.psql("catalog")`update product set price = price % 1000 + 1 where id = ${id}`;

/** @returns a function that ends it */
function writeBeside(cluster: ReadsCluster): () => Promise<void> {
  const end = new AbortController();
  const writing = (async () => {
    for (const id of updatedProducts()) {
      if (end.signal.aborted) return;
      await changeProduct(cluster, id);
      await sleep(WRITE_PAUSE_MS);
    }
  })();
  return () => {
    end.abort();
    return writing;
  };
}

async function beginProfile({ process }: MeasuredServer): Promise<(name: string) => Promise<unknown>> {
  process.send({ kind: "begin", profile: true });
  await process.next("begun");
  return async (name) => {
    process.send({ kind: "end" });
    const { profile } = await process.next("ended");
    return keepProfile(name, profile!);
  };
}

/**
 * Sends each different body once, so that plans are made and what can be kept is.
 * @throws Error if an answer has errors: the load generator does not look into answers
 */
export async function checkAnswers(
  bodies: readonly string[],
  gateway: GatewayName,
  cluster: ReadsCluster,
): Promise<void> {
  const { url } = await cluster.gateway(gateway);
  for (const body of new Set(bodies)) {
    const { query, variables } = JSON.parse(body);
    const { text } = await ask(url, query, variables);
    if (JSON.parse(text).errors) throw new Error(`${gateway} answers ${body} by ${text.slice(0, 500)}`);
  }
}

/** @throws Error if the answer has errors */
export async function send(pool: Pool, body: string): Promise<void> {
  const headers = { "content-type": "application/json", accept: "application/json" };
  const answer = await pool.request({ path: "/graphql", method: "POST", headers, body });
  const text = await answer.body.text();
  if (answer.statusCode !== 200 || text.includes('"errors"'))
    throw new Error(`HTTP ${answer.statusCode}: ${text}`);
}
