/** Draws the faults and their times from a seed. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../harness/random.ts";
import type { ChaosCluster } from "./chaos-cluster.ts";
import { type Fault, inflict } from "./faults.ts";

/** A fault that was inflicted; times are milliseconds since 1970. */
export interface FaultRecord {
  fault: Fault;
  startMs: number;
  endMs: number;
}

export interface FaultScheduleOptions {
  cluster: ChaosCluster;
  random: Random;
  /** The mean time between two faults. */
  everyMs: number;
  /** No fault begins after this, and those under way end. */
  stop: AbortSignal;
}

/** With more faults at once nothing would work that a fault could break. */
const AT_ONCE_MAX = 4;
const FAULT_MS = { least: 200, most: 7_000 };
const DELAY_MS = { least: 20, most: 1_200 };

/**
 * A kill costs the cluster a second or two; the duration of other faults is drawn. The hardest of them is
 * mute: the target acts on a request, and the answer is lost.
 */
const KINDS: readonly { item: Fault["kind"]; weight: number }[] = [
  { item: "kill", weight: 55 },
  { item: "kill-backend", weight: 5 },
  { item: "pause", weight: 12 },
  { item: "cut", weight: 5 },
  { item: "refuse", weight: 4 },
  { item: "silence", weight: 5 },
  { item: "mute", weight: 10 },
  { item: "delay", weight: 4 },
];

/** Injects faults until `stop`. Resolves to the list of faults when all of them are over. */
export async function runFaults({
  cluster,
  random,
  everyMs,
  stop,
}: FaultScheduleOptions): Promise<FaultRecord[]> {
  const records: FaultRecord[] = [];
  const busy = new Map<string, Promise<void>>();
  const begin = (fault: Fault) => {
    const startMs = Date.now();
    const over = inflict(fault, cluster, stop).then((done) => {
      if (done) records.push({ fault, startMs, endMs: Date.now() });
      busy.delete(fault.target);
    });
    busy.set(fault.target, over);
  };
  while (!stop.aborted) {
    await sleep(random.between(everyMs / 4, (everyMs * 7) / 4), undefined, { signal: stop }).catch(
      () => undefined,
    );
    const fault = drawFault(random, cluster);
    if (!stop.aborted && busy.size < AT_ONCE_MAX && !busy.has(fault.target)) begin(fault);
  }
  await Promise.all(busy.values());
  return records.sort((a, b) => a.startMs - b.startMs);
}

/**
 * Targets are orchestrators, cities and their databases, equally likely. Gateway and catalog take no part in
 * transactions.
 */
function drawFault(random: Random, cluster: ChaosCluster): Fault {
  const targets = cluster.processes().filter(({ kind, city }) => kind === "orders" || city !== null);
  const kind = random.pickWeighted(KINDS);
  const servers = targets.filter((process) => process.kind === "postgres");
  const target = random.pick(kind === "kill-backend" ? servers : targets).name;
  const forMs = random.between(FAULT_MS.least, FAULT_MS.most);
  switch (kind) {
    case "kill":
    case "kill-backend":
    case "cut":
      return { kind, target };
    case "delay":
      return { kind, target, forMs, delayMs: random.between(DELAY_MS.least, DELAY_MS.most) };
    default:
      return { kind, target, forMs };
  }
}
