/** Finds from outside when each city was able to work. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ChaosCluster } from "./chaos-cluster.ts";
import type { FaultRecord } from "./fault-schedule.ts";
import { isUpDuring } from "./faults.ts";

export interface Span {
  startMs: number;
  endMs: number;
}

const LOOK_EVERY_MS = 20;

/**
 * Watches the processes until `stop`. Resolves to the spans in which a process was not ready, by process
 * name.
 */
export async function watchProcesses(cluster: ChaosCluster, stop: AbortSignal): Promise<Map<string, Span[]>> {
  const spans = new Map<string, Span[]>();
  const since = new Map<string, number>();
  const look = () => {
    for (const { name, phase } of cluster.processes()) {
      const startMs = since.get(name);
      if (phase !== "ready" && startMs === undefined) since.set(name, Date.now());
      if (phase !== "ready" || startMs === undefined) continue;
      since.delete(name);
      spans.set(name, [...(spans.get(name) ?? []), { startMs, endMs: Date.now() }]);
    }
  };
  while (!stop.aborted) {
    look();
    await sleep(LOOK_EVERY_MS);
  }
  for (const [name, startMs] of since)
    spans.set(name, [...(spans.get(name) ?? []), { startMs, endMs: Date.now() }]);
  return spans;
}

/** The spans in which a city was down: its service or database was not ready, paused, or cut off. */
export function downSpans(
  cityId: string,
  notReady: ReadonlyMap<string, readonly Span[]>,
  faults: readonly FaultRecord[],
): Span[] {
  const names = [`city-${cityId}`, `postgres-${cityId}`];
  const cutOff = faults.filter(({ fault }) => names.includes(fault.target) && !isUpDuring(fault));
  return union([...names.flatMap((name) => notReady.get(name) ?? []), ...cutOff]);
}

/** The union of the spans: ordered spans that do not overlap. */
export function union(spans: readonly Span[]): Span[] {
  const joined: Span[] = [];
  for (const { startMs, endMs } of [...spans].sort((a, b) => a.startMs - b.startMs)) {
    const last = joined.at(-1);
    if (last && startMs <= last.endMs) last.endMs = Math.max(last.endMs, endMs);
    else joined.push({ startMs, endMs });
  }
  return joined;
}

/** How many milliseconds of a span lie in the given spans, which must not overlap. */
export function overlapMs({ startMs, endMs }: Span, spans: readonly Span[]): number {
  return spans.reduce((sum, span) => {
    return sum + Math.max(0, Math.min(endMs, span.endMs) - Math.max(startMs, span.startMs));
  }, 0);
}
