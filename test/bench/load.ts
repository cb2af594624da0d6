/** The load generator's job and its report, as they travel between it and the benchmark. */
import type { Target } from "./drivers.ts";
import type { Scenario } from "./scenarios.ts";

export interface LoadJob {
  target: Target;
  scenario: Scenario;
  seed: number;
  /** Load before anything counts: connections, compiled code, and the work that comes seconds after an order. */
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
  /** Of orders that were answered in the measured time and placed. */
  latenciesMs: number[];
  /** How many of each result, in the measured time. */
  results: Record<string, number>;
  measuredMs: number;
  /** Placed orders, with those of the warm-up and those that ended after the measured time. */
  placedInAll: number;
}
