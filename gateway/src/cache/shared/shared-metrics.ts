/** The metrics of the shared tier. Hits and misses are the cache's own. */
import type { Registry } from "@teranga/kit/process/metrics.ts";
import { Counter } from "prom-client";

/** What became of a fill. `lost`: Redis refused it, or did not answer in time. */
export type PutOutcome = "kept" | "stale" | "older" | "lost";

export interface SharedTierMetrics {
  filled(outcome: PutOutcome, count?: number): void;
  /** Fetches of other gateways were not waited for any longer. */
  gaveUp(count: number): void;
}

export function createSharedTierMetrics(registry: Registry): SharedTierMetrics {
  const fills = new Counter({
    name: "teranga_cache_shared_fills_total",
    help: "Entries that were sent to Redis, by outcome: `kept`, `stale` (a change was heard of since the fetch began), `older` (than what is kept), `lost` (Redis refused it or did not answer).",
    labelNames: ["outcome"],
    registers: [registry],
  });
  const waits = new Counter({
    name: "teranga_cache_lease_timeouts_total",
    help: "Entries that another gateway was fetching and had not when this one stopped waiting and asked by itself.",
    registers: [registry],
  });
  return {
    filled: (outcome, count = 1) => fills.inc({ outcome }, count),
    gaveUp: (count) => waits.inc(count),
  };
}
