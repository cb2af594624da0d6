/** The messages between the benchmark and its load generator. */
import type { Target } from "./drivers.ts";
import type { Scenario } from "./scenarios.ts";

export interface LoadJob {
  target: Target;
  scenario: Scenario;
  seed: number;
  /**
   * Load before the measurement: it opens connections, compiles code, and starts the work that follows
   * seconds after an order.
   */
  warmUpMs: number;
  /** Orders that are sent in this time count. */
  measureMs: number;
  /** How long each client waits between an answer and its next order. */
  pauseMs: number;
}

export type LoadMessage =
  /** The warm-up is over. */
  | { kind: "measuring" }
  /** The measured time is over; orders under way still end. */
  | { kind: "measured" }
  /** The last order has ended. */
  | { kind: "ended"; report: LoadReport };

export interface LoadReport {
  /** Latencies of the orders that were placed and answered in the measured time. */
  latenciesMs: number[];
  /** The count of each result in the measured time. */
  results: Record<string, number>;
  measuredMs: number;
  /** All placed orders, also those of the warm-up and those that ended after the measured time. */
  placedInAll: number;
}
