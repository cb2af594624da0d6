/** The metrics of a city. */
import {
  addGauge,
  BATCH_BUCKETS,
  LATENCY_BUCKETS_S,
  type Registry,
  shareReading,
} from "@teranga/kit/process/metrics.ts";
import type { ProtocolMetrics } from "@teranga/protocol/city/means.ts";
import { Counter, Histogram } from "prom-client";
import type { HealthRow } from "./sql/get-health.ts";

/** The metrics that a city records. */
export interface CityMetrics extends ProtocolMetrics {
  /** PostgreSQL ended a transaction in favour of another one. The transaction is run again. */
  lostTransaction(): void;
}

/**
 * Prometheus gives up a scrape after 10 s by default. A database that hangs must
 * leave time for the other metrics.
 */
const READING_LIMIT_MS = 1_000;

export interface Backlog extends HealthRow {
  /** Transactions that wait for a city that the topology does not have. */
  stranded: number;
}

export interface BacklogSource {
  /** Reads from the database what is still to be finished. */
  readBacklog: () => Promise<Backlog>;
  nowMs: () => number;
  /** Resolves after this many milliseconds. Rejects when the signal is aborted. */
  delay: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

/** @param registry the service's own registry, which /metrics reads */
export function createCityMetrics(registry: Registry): CityMetrics {
  const registers = [registry];
  const entries = new Counter({
    name: "teranga_city_entries_total",
    help: "Entries of messages of the commit protocol, by the state that they were answered with.",
    labelNames: ["message", "state"],
    registers,
  });
  const batches = new Histogram({
    name: "teranga_city_batch_entries",
    help: "Entries of one message.",
    labelNames: ["message"],
    buckets: BATCH_BUCKETS,
    registers,
  });
  const seconds = new Histogram({
    name: "teranga_city_batch_seconds",
    help: "From a message's arrival at its resolver to its answers: the database transaction and the wait for its rows.",
    labelNames: ["message"],
    buckets: LATENCY_BUCKETS_S,
    registers,
  });
  const recoveries = new Counter({
    name: "teranga_city_recoveries_total",
    help: "Transactions that this city's recovery workers finished, by cause and decision.",
    labelNames: ["cause", "decision"],
    registers,
  });
  const alarms = new Counter({
    name: "teranga_city_alarms_total",
    help: "Messages that break the commit protocol, received here or told by another city. It must be 0.",
    registers,
  });
  const faults = new Counter({
    name: "teranga_city_faults_total",
    help: "Faults of ours while this service finished transactions or spoke with the catalog, each logged with its cause. It must be 0.",
    registers,
  });
  const pruned = new Counter({
    name: "teranga_city_pruned_transactions_total",
    help: "Aborted transactions that this instance deleted behind the horizon, by table.",
    labelNames: ["table"],
    registers,
  });
  const lost = new Counter({
    name: "teranga_city_lost_transactions_total",
    help: "Database transactions that lost a deadlock or a serialization conflict and were run again.",
    registers,
  });
  return {
    batchBegins(message, count) {
      batches.observe({ message }, count);
      const end = seconds.startTimer({ message });
      return (states) => {
        end();
        for (const state of states) entries.inc({ message, state });
      };
    },
    recovered: (cause, decision, count) => recoveries.inc({ cause, decision }, count),
    alarmed: () => alarms.inc(),
    faulted: () => faults.inc(),
    pruned: (table, count) => pruned.inc({ table }, count),
    lostTransaction: () => lost.inc(),
  };
}

/**
 * The gauges of the backlog, read from the database by one statement a scrape. While the database does not
 * answer, the gauges are absent; a counter counts the failures.
 */
export function addBacklogMetrics(registry: Registry, { readBacklog, nowMs, delay }: BacklogSource): void {
  const failures = new Counter({
    name: "teranga_city_backlog_failures_total",
    help: "Scrapes for which the database did not say what waits. The gauges of the backlog are absent then.",
    registers: [registry],
  });
  const onFailure = () => failures.inc();
  const backlog = shareReading(readBacklog, { limitMs: READING_LIMIT_MS, delay, onFailure });
  const ageOf = (since: Date | null) => (since ? Math.max(0, nowMs() - since.getTime()) / 1_000 : 0);

  const add = (name: string, help: string, measure: (reading: Backlog) => number) =>
    addGauge(registry, name, help, async () => {
      const reading = await backlog();
      return reading && measure(reading);
    });
  add(
    "teranga_city_in_doubt_transactions",
    "Transactions prepared here whose outcome this city does not know yet.",
    ({ inDoubt }) => inDoubt,
  );
  add(
    "teranga_city_in_doubt_oldest_seconds",
    "The age of the oldest of them; 0 if there is none.",
    ({ oldestInDoubtAt }) => ageOf(oldestInDoubtAt),
  );
  add(
    "teranga_city_unacknowledged_decisions",
    "Participants of committed transactions of this home that have not acknowledged yet.",
    ({ unacknowledged }) => unacknowledged,
  );
  add(
    "teranga_city_unacknowledged_oldest_seconds",
    "The age of the oldest decision that waits for it; 0 if there is none.",
    ({ oldestUnacknowledgedAt }) => ageOf(oldestUnacknowledgedAt),
  );
  add(
    "teranga_city_stranded_transactions",
    "Transactions that wait for a city that the topology does not have. It must be 0.",
    ({ stranded }) => stranded,
  );
}
