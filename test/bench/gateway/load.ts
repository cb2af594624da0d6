/** The load generator's job and its reports, as they travel between it and the benchmark. */

/** So many connections that ask the same questions, each sending its next when the one before is answered. */
export interface Stream {
  name: string;
  connections: number;
  /** The questions, as HTTP bodies, asked in turn. */
  bodies: readonly string[];
  /** An answer of another length is a failure. Null if lengths differ. */
  answerBytes: number | null;
  /** How long each connection waits between an answer and its next question. */
  pauseMs: number;
}

export type LoadOrder =
  /** Begins to load; nothing counts yet. */
  | { kind: "load"; url: string; streams: readonly Stream[] }
  /** What is sent and answered in this time from now counts. May be given again, after its report. */
  | { kind: "measure"; forMs: number }
  /** Ends the load when the requests under way are answered. */
  | { kind: "end" };

export type LoadMessage =
  | { kind: "measured"; measuredMs: number; streams: StreamReport[] }
  | { kind: "ended" };

export interface StreamReport {
  name: string;
  latenciesMs: number[];
  /** What else came of requests in the measured time, by name. */
  failures: Record<string, number>;
}
