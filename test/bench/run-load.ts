/** One run of the load generator against one system, with the machine's costs. */
import { type ChildProcess, fork } from "node:child_process";
import { on, once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Sql } from "@teranga/kit/postgres/database.ts";
import { PLACED } from "./drivers.ts";
import type { LoadJob, LoadMessage, LoadReport } from "./load.ts";
import { cpuMs } from "./process-cpu.ts";
import type { Scenario } from "./scenarios.ts";
import type { Shop } from "./shop.ts";
import { percentile, sum } from "./statistics.ts";
import type { System } from "./systems.ts";

export interface RunOptions {
  system: System;
  scenario: Scenario;
  seed: number;
  warmUpMs: number;
  measureMs: number;
  /** The pause between an answer and the same client's next order; 0 by default. */
  pauseMs?: number;
}

/** The figures of one run. */
export interface Run {
  medianMs: number;
  p95Ms: number;
  p99Ms: number;
  /** Placed orders per second. */
  ordersPerS: number;
  placed: number;
  /** All placed orders, also those of the warm-up and those that ended after the measured time. */
  placedInAll: number;
  /** Results other than a placed order, by name. */
  failures: Record<string, number>;
  /** CPU milliseconds per order by part of the system; the load generator is one of the parts. */
  cpuMsByPart: Map<string, number>;
  /** WAL flushes of sessions per order, over all cities. Servers count them up to a second late. */
  flushes: number;
  walBytes: number;
}

export const GENERATOR = "load generator";
/** An order under way at the end has the orchestrator's deadline of 4 s and the gateway's of 5 s. */
const END_GRACE_MS = 15_000;

export async function runLoad(options: RunOptions, shop: Shop): Promise<Run> {
  const { system, scenario, seed, warmUpMs, measureMs, pauseMs = 0 } = options;
  const generator = forkGenerator();
  const ended = once(generator, "exit");
  const limit = setTimeout(() => generator.kill("SIGKILL"), warmUpMs + measureMs + END_GRACE_MS);
  try {
    const job: LoadJob = { target: system.target, scenario, seed, warmUpMs, measureMs, pauseMs };
    generator.send(job);
    const messages = messagesOf(generator, ended);
    await messages.next("measuring");
    const before = await sample(system, generator.pid!, shop);
    await messages.next("measured");
    const after = await sample(system, generator.pid!, shop);
    const { report } = await messages.next("ended");
    await ended;
    return summarise(report, before, after);
  } finally {
    clearTimeout(limit);
    generator.kill("SIGKILL");
  }
}

function forkGenerator(): ChildProcess {
  // Node options for the services must not reach the generator.
  const { NODE_OPTIONS: _, ...env } = process.env;
  return fork(fileURLToPath(new URL("load-generator.ts", import.meta.url)), { env, execArgv: [] });
}

/** The generator's messages in order. Messages wait in a queue, so none is missed. */
function messagesOf(generator: ChildProcess, ended: Promise<unknown>) {
  const messages = on(generator, "message") as AsyncIterableIterator<[LoadMessage]>;
  const gone = ended.then(() => undefined);
  return {
    async next<Kind extends LoadMessage["kind"]>(kind: Kind): Promise<Extract<LoadMessage, { kind: Kind }>> {
      const result = await Promise.race([messages.next(), gone]);
      const message = result?.value[0] as LoadMessage | undefined;
      if (message?.kind !== kind) throw new Error(`the load generator has ended before it was "${kind}"`);
      return message as Extract<LoadMessage, { kind: Kind }>;
    },
  };
}

interface Sample {
  cpuMsByPart: Map<string, number>;
  flushes: number;
  walBytes: number;
}

async function sample({ parts }: System, generatorPid: number, shop: Shop): Promise<Sample> {
  const cpu = new Map([...parts].map(([part, pids]) => [part, cpuMs(pids)]));
  cpu.set(GENERATOR, cpuMs([generatorPid]));
  return { cpuMsByPart: cpu, ...(await readWal(shop)) };
}

/**
 * The sum of the cities' counters. Only flushes of sessions count; other processes of the server write in the
 * background.
 */
export async function readWal({ sql }: Shop): Promise<{ flushes: number; walBytes: number }> {
  const counts = await Promise.all([...sql.values()].map(walOf));
  return {
    flushes: sum(counts.map(({ flushes }) => flushes)),
    walBytes: sum(counts.map(({ walBytes }) => walBytes)),
  };
}

async function walOf(sql: Sql): Promise<{ flushes: number; walBytes: number }> {
  const [row] = await sql<{ flushes: number; walBytes: string }[]>`
    select sum(fsyncs)::bigint as flushes, pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0') as "walBytes"
    from pg_stat_io where object = 'wal' and backend_type = 'client backend'`;
  return { flushes: row!.flushes, walBytes: Number(row!.walBytes) };
}

function summarise(
  { latenciesMs, results, measuredMs, placedInAll }: LoadReport,
  before: Sample,
  after: Sample,
): Run {
  const { [PLACED]: placed = 0, ...failures } = results;
  const perOrder = (change: number) => change / placed;
  const cpu = [...after.cpuMsByPart].map(([part, ms]): [string, number] => [
    part,
    perOrder(ms - before.cpuMsByPart.get(part)!),
  ]);
  return {
    medianMs: percentile(latenciesMs, 0.5),
    p95Ms: percentile(latenciesMs, 0.95),
    p99Ms: percentile(latenciesMs, 0.99),
    ordersPerS: (placed / measuredMs) * 1_000,
    placed,
    placedInAll,
    failures,
    cpuMsByPart: new Map(cpu),
    flushes: perOrder(after.flushes - before.flushes),
    walBytes: perOrder(after.walBytes - before.walBytes),
  };
}
