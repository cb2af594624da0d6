/** The metrics of the entity cache. */
import type { Registry } from "@teranga/kit/process/metrics.ts";
import { Counter, Gauge } from "prom-client";
import type { Filled } from "./memory-tier.ts";

export interface CacheMetrics {
  looked(hits: number, misses: number): void;
  filled(outcome: Filled): void;
  evicted(): void;
  refreshed(): void;
  /** @param bytes read at each scrape */
  measure(bytes: () => number): void;
}

export function createCacheMetrics(registry: Registry): CacheMetrics {
  const registers = [registry];
  const lookUps = new Counter({
    name: "teranga_cache_lookups_total",
    help: "Entities and whole answers that were looked for among those that are kept, by outcome: `hit` or `miss`.",
    labelNames: ["outcome"],
    registers,
  });
  const fills = new Counter({
    name: "teranga_cache_fills_total",
    help: "Entries that were to be kept in memory, by outcome: `kept`, `stale` (a change may be missing), `older` (than what is kept), `too-large`.",
    labelNames: ["outcome"],
    registers,
  });
  const evictions = new Counter({
    name: "teranga_cache_evictions_total",
    help: "Entries that left the memory for others.",
    registers,
  });
  const refreshes = new Counter({
    name: "teranga_cache_refreshes_total",
    help: "Requests to services for entries that were about to end, for which no client waited.",
    registers,
  });
  return {
    looked(hits, misses) {
      if (hits > 0) lookUps.inc({ outcome: "hit" }, hits);
      if (misses > 0) lookUps.inc({ outcome: "miss" }, misses);
    },
    filled: (outcome) => fills.inc({ outcome }),
    evicted: () => evictions.inc(),
    refreshed: () => refreshes.inc(),
    measure(bytes) {
      new Gauge({
        name: "teranga_cache_bytes",
        help: "The memory that kept entries take, approximately.",
        registers,
        collect() {
          this.set(bytes());
        },
      });
    },
  };
}
