/** The metrics of a service whose database may have replicas. */
import { Counter, Gauge } from "prom-client";
import type { Registry } from "../process/metrics.ts";

export interface ReadMetrics {
  /** @param reason why the primary answered; empty for a replica */
  answered(source: "primary" | "replica", reason: string): void;
  waited(result: "replayed" | "too-late"): void;
}

interface Lag {
  name: string;
  lagBytes: number | null;
  lagMs: number | null;
}

/** @param lags the replicas as they are now */
export function createReadMetrics(registry: Registry, lags: () => readonly Lag[]): ReadMetrics {
  const registers = [registry];
  const answers = new Counter({
    name: "teranga_reads_total",
    help: "Answers to requests that say how old an answer may be, by who answered and why it was the primary.",
    labelNames: ["source", "reason"],
    registers,
  });
  const waits = new Counter({
    name: "teranga_causal_waits_total",
    help: "Reads that waited until a replica had replayed what their caller has seen, by how that ended.",
    labelNames: ["result"],
    registers,
  });
  const gauge = (name: string, help: string, measure: (lag: Lag) => number | null) =>
    new Gauge({
      name,
      help,
      labelNames: ["replica"],
      registers,
      collect() {
        this.reset();
        for (const lag of lags()) {
          const value = measure(lag);
          if (value !== null) this.set({ replica: lag.name }, value);
        }
      },
    });
  gauge(
    "teranga_replica_lag_bytes",
    "The log that a replica has not replayed yet. Absent while that is not known.",
    ({ lagBytes }) => lagBytes,
  );
  gauge(
    "teranga_replica_lag_seconds",
    "How old a replica's data is at most. Absent while that is not known.",
    ({ lagMs }) => (lagMs === null ? null : lagMs / 1_000),
  );
  return {
    answered: (source, reason) => answers.inc({ source, reason }),
    waited: (result) => waits.inc({ result }),
  };
}
