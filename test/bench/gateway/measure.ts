/** One run of the load generator against one contestant, with the contestant's costs. */
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { CpuProfile } from "../cpu-profile.ts";
import { cpuMs } from "../process-cpu.ts";
import { percentile, sum } from "../statistics.ts";
import type { LoadMessage, LoadOrder, Stream, StreamReport } from "./load.ts";
import type { PinnedProcess } from "./pinned-process.ts";
import type { ProbeAnswer, ProbeOrder } from "./probe.ts";

export type Probed = PinnedProcess<ProbeOrder, ProbeAnswer>;
export type Generator = PinnedProcess<LoadOrder, LoadMessage>;

export interface RunOptions {
  url: string;
  contestant: Probed;
  streams: readonly Stream[];
  warmUpMs: number;
  measureMs: number;
  profile?: boolean;
}

export interface StreamRun {
  requestsPerS: number;
  answered: number;
  p50Ms: number;
  p95Ms: number;
  p99Ms: number;
  maxMs: number;
  failures: Record<string, number>;
}

/**
 * The figures of one run. Costs are those of the contestant alone, for each answered request of all streams.
 */
export interface Run {
  streams: StreamRun[];
  cpuMs: number;
  allocatedBytes: number;
  grownBytes: number;
  rssBytes: number;
  /**
   * The share of their core that the load generator and the subgraphs have used. At 1 they were the
   * bottleneck.
   */
  othersShare: number;
  profile: CpuProfile | null;
}

const WARM_UP_LOOK_MS = 500;
/** At most 20 s. Half of that is enough for the slowest contestant on an idle machine. */
const WARM_UP_LOOKS_MAX = 40;

/** Loads a contestant until it has given a number of answers: compilers count calls, not seconds. */
export async function warmUp(
  { url, streams }: Pick<RunOptions, "url" | "streams">,
  answers: number,
  generator: Generator,
): Promise<void> {
  generator.send({ kind: "load", url, streams });
  let answered = 0;
  for (let looks = 0; looks < WARM_UP_LOOKS_MAX && answered < answers; looks++) {
    generator.send({ kind: "measure", forMs: WARM_UP_LOOK_MS });
    const { streams: reports } = await generator.next("measured");
    answered += sum(reports.map(({ latenciesMs }) => latenciesMs.length));
  }
  generator.send({ kind: "end" });
  await generator.next("ended");
}

export interface Others {
  generator: Generator;
  /** The processes that share the generator's core. */
  pids: readonly number[];
}

export async function measureRun(options: RunOptions, { generator, pids }: Others): Promise<Run> {
  const { url, contestant, streams, warmUpMs, measureMs, profile = false } = options;
  const others = [generator.pid, ...pids];
  generator.send({ kind: "load", url, streams });
  await sleep(warmUpMs);
  contestant.send({ kind: "begin", profile });
  await contestant.next("begun");
  const before = { own: cpuMs([contestant.pid]), others: cpuMs(others), atMs: performance.now() };
  generator.send({ kind: "measure", forMs: measureMs });
  const { measuredMs, streams: reports } = await generator.next("measured");
  const after = { own: cpuMs([contestant.pid]), others: cpuMs(others), atMs: performance.now() };
  contestant.send({ kind: "end" });
  const memory = await contestant.next("ended");
  const rssBytes = await residentBytes(contestant.pid);
  generator.send({ kind: "end" });
  await generator.next("ended");
  const runs = reports.map((report) => summarise(report, measuredMs));
  const requests = sum(runs.map(({ answered }) => answered));
  return {
    streams: runs,
    cpuMs: (after.own - before.own) / requests,
    allocatedBytes: memory.allocatedBytes / requests,
    grownBytes: memory.grownBytes / requests,
    rssBytes,
    othersShare: (after.others - before.others) / (after.atMs - before.atMs),
    profile: memory.profile,
  };
}

export function summarise({ latenciesMs, failures }: StreamReport, measuredMs: number): StreamRun {
  return {
    requestsPerS: (latenciesMs.length / measuredMs) * 1_000,
    answered: latenciesMs.length,
    p50Ms: percentile(latenciesMs, 0.5),
    p95Ms: percentile(latenciesMs, 0.95),
    p99Ms: percentile(latenciesMs, 0.99),
    maxMs: percentile(latenciesMs, 1),
    failures,
  };
}

const KIB = 1_024;

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) * KIB;
}
