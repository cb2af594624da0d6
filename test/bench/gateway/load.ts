/** The messages between the benchmark and its load generator. */

/** Connections that send the same requests; each sends its next request when the one before is answered. */
export interface Stream {
  name: string;
  connections: number;
  /** The HTTP bodies of the requests, sent in turn. */
  bodies: readonly string[];
  /** The length of every answer; another length is a failure. Null if the lengths differ. */
  answerBytes: number | null;
  /** How long each connection waits between an answer and its next request. */
  pauseMs: number;
}

export type LoadOrder =
  /** Begins to load; nothing counts yet. */
  | { kind: "load"; url: string; streams: readonly Stream[] }
  /**
   * Counts the requests that are sent and answered in this time from now. May be sent again after its report.
   */
  | { kind: "measure"; forMs: number }
  /** Ends the load when the requests under way are answered. */
  | { kind: "end" };

export type LoadMessage =
  | { kind: "measured"; measuredMs: number; streams: StreamReport[] }
  | { kind: "ended" };

export interface StreamReport {
  name: string;
  latenciesMs: number[];
  /** The failures in the measured time, counted by name. */
  failures: Record<string, number>;
}
