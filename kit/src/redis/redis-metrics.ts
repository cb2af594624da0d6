/** The metrics of Redis: whether it is used, and how commands go. */
import { Counter, Gauge, Histogram } from "prom-client";
import type { Registry } from "../process/metrics.ts";
import type { RedisAnswer } from "./redis-answer.ts";

export interface RedisMetrics {
  /** @param purpose one of a few texts @param isOpen read at each scrape */
  watch(purpose: string, isOpen: () => boolean): void;
  /** @param tookMs left out for a command that was not sent */
  answered(outcome: RedisAnswer<unknown>["kind"] | "late", tookMs?: number): void;
}

/** From a server nearby to one that is given up. */
const BUCKETS_S = [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02];

export function createRedisMetrics(registry: Registry): RedisMetrics {
  const watched: { purpose: string; isOpen: () => boolean }[] = [];
  new Gauge({
    name: "teranga_redis_used",
    help: "1 while Redis is used for the purpose; 0 while it is away, slow or refuses us, and nothing is sent to it.",
    labelNames: ["purpose"],
    registers: [registry],
    collect() {
      for (const { purpose, isOpen } of watched) this.set({ purpose }, isOpen() ? 1 : 0);
    },
  });
  const commands = new Counter({
    name: "teranga_redis_commands_total",
    help: "Commands to Redis by outcome: `reply`, `refused` (by the server: full, say), `late` (its answer was not waited for), `unknown` (the connection was lost), `away` (not sent).",
    labelNames: ["outcome"],
    registers: [registry],
  });
  const seconds = new Histogram({
    name: "teranga_redis_command_seconds",
    help: "The time from a command to its answer, or to when it was given up.",
    buckets: BUCKETS_S,
    registers: [registry],
  });
  return {
    watch: (purpose, isOpen) => void watched.push({ purpose, isOpen }),
    answered(outcome, tookMs) {
      commands.inc({ outcome });
      if (tookMs !== undefined) seconds.observe(tookMs / 1_000);
    },
  };
}
