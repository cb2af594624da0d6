/**
 * The circuit breaker of one endpoint: what is known of the endpoint, and whether it is asked.
 *
 *   closed      is asked. A connection that cannot be made → open. A request that ran out of time,
 *               when nothing was heard for longer than the endpoint ever takes to answer → open.
 *               FAILURES_MAX failures in a row → open. Any other failure → closed.
 *   open        is not asked. The wait before a probe ends → half-open. A late answer to an earlier
 *               request → closed.
 *   half-open   is not asked either; one probe is under way. The probe is answered → closed. It fails →
 *               open, for longer.
 *
 * The breaker judges the endpoint, not its operations: an operation that always fails is a problem of its own
 * clients. So useless answers and requests that ran out of time count once for each operation. Faults that
 * depend on the request (an answer too large, a caller that is refused) are no failures at all. Broken
 * connections and the statuses 502 to 504 always count. An answer that has begun is no silence: a great one
 * may be slow.
 *
 * One silent request is enough, because every further one costs a client its whole deadline, while a mistake
 * costs little: any late answer closes the circuit, and the first probe leaves within 100 ms. An endpoint
 * that is slow but answers is never silent for twice as long as its slowest answers take. The silent
 * operation becomes a suspect if the probe after it is answered. Until it is answered itself, or another
 * operation is silent, its silence does not count any more. Requests that fail together are one failure:
 * those that began before the last counted failure do not count.
 *
 * `mistrust` counts the probes since the last answer to a client's request. It lengthens the wait before the
 * next probe, so an endpoint that answers only probes is tried less and less often, down to once in
 * PROBE_WAIT.maxMs.
 */

import type { TransportFault } from "../http/transport-error.ts";
import { backoffMs, type Clock } from "../process/retry.ts";

export type Circuit =
  | {
      kind: "closed";
      /** When the circuit was closed, or when the last failure was counted. */
      sinceMs: number;
      /** The operations that failed in a row; null for a failure that does not depend on the operation. */
      failures: readonly (string | null)[];
      /** When the last answer came. */
      heardAtMs: number;
      /** The slowest of the recent answers. */
      slowestMs: number;
      mistrust: number;
      suspect: string | null;
    }
  | { kind: "open"; probeAtMs: number; mistrust: number; suspect: string | null }
  | { kind: "half-open"; mistrust: number; suspect: string | null };

export type CircuitEvent =
  | { kind: "answered"; operation: string; begunAtMs: number; atMs: number }
  | {
      kind: "failed";
      fault: EndpointFault;
      operation: string;
      begunAtMs: number;
      atMs: number;
      /** Whether another instance was left to ask. */
      hasOthers: boolean;
    }
  | { kind: "probe-begun" }
  | { kind: "probe-answered"; atMs: number }
  | { kind: "probe-failed"; atMs: number };

export type EndpointFault = Exclude<TransportFault, "not-theirs" | "no-room">;

/** Whether a failure tells anything about the endpoint. */
export function isTheirs(fault: TransportFault): fault is EndpointFault {
  return fault !== "not-theirs" && fault !== "no-room";
}

/** No endpoint can be expected to answer faster, so a shorter wait says nothing about it. */
const SHORT_MS = 50;
/**
 * The silence that opens the circuit is twice the slowest answer, within these bounds. A healthy service
 * answers within 100 ms, and a client's request has 5 s. A mistake costs nothing while another instance
 * answers, so less is enough there: a message of the commit protocol has 1 s, and leaves the first of two
 * instances half of that.
 */
export const SILENCE = { minMs: 1_000, minBesideOthersMs: 400, maxMs: 4_000 };
/** With every answer the earlier slowest one counts a little less. After 60 answers it is forgotten. */
const SLOWEST_KEPT = 0.95;
/**
 * The failures of other kinds in a row that open the circuit. A service that answers half of its requests
 * with 500 gets there once in 32 times.
 */
export const FAILURES_MAX = 5;
/** The wait from opening to the first probe, and between two probes. */
export const PROBE_WAIT = { firstMs: 100, maxMs: 5_000 };

/**
 * A probe's deadline doubles with mistrust: a dead endpoint must be tried again soon, and a slow one must be
 * found alive.
 */
const PROBE_DEADLINE = { firstMs: 1_000, maxMs: 5_000 };

export function probeDeadlineMs({ mistrust }: Circuit): number {
  return Math.min(PROBE_DEADLINE.maxMs, PROBE_DEADLINE.firstMs * 2 ** Math.min(mistrust, 30));
}

/** The circuit of an endpoint that was never asked. */
export function newCircuit(atMs: number): Circuit {
  return {
    kind: "closed",
    sinceMs: atMs,
    failures: [],
    heardAtMs: atMs,
    slowestMs: 0,
    mistrust: 0,
    suspect: null,
  };
}

/**
 * Whether a probe with this fault finds the endpoint alive. A useless answer or a refusal also comes from a
 * live service, as it would to a client's request.
 */
export function isAlive(fault: TransportFault): boolean {
  return fault === "bad-answer" || !isTheirs(fault);
}

/** The circuit after an event. */
export function advance(circuit: Circuit, event: CircuitEvent, clock: Clock): Circuit {
  switch (circuit.kind) {
    case "closed":
      return advanceClosed(circuit, event, clock);
    case "open":
    case "half-open":
      return advanceOpened(circuit, event, clock);
    default:
      return circuit satisfies never;
  }
}

function advanceClosed(
  circuit: Extract<Circuit, { kind: "closed" }>,
  event: CircuitEvent,
  clock: Clock,
): Circuit {
  switch (event.kind) {
    case "answered": {
      const slowestMs = Math.max(event.atMs - event.begunAtMs, circuit.slowestMs * SLOWEST_KEPT);
      const suspect = suspectAfter(circuit, event);
      return { ...circuit, failures: [], heardAtMs: event.atMs, slowestMs, mistrust: 0, suspect };
    }
    case "failed": {
      if (event.begunAtMs < circuit.sinceMs || saysNothing(event, circuit)) return circuit;
      const failures = withFailure(circuit.failures, event);
      if (failures.length < FAILURES_MAX && !isSure(event, circuit)) {
        return failures === circuit.failures ? circuit : { ...circuit, sinceMs: event.atMs, failures };
      }
      const suspect = event.fault === "timeout" ? event.operation : circuit.suspect;
      return opened(circuit.mistrust, suspect, event.atMs, clock);
    }
    // Belongs to a probe of an open circuit that an answer has closed since.
    case "probe-begun":
    case "probe-answered":
    case "probe-failed":
      return circuit;
    default:
      return event satisfies never;
  }
}

function advanceOpened(
  circuit: Exclude<Circuit, { kind: "closed" }>,
  event: CircuitEvent,
  clock: Clock,
): Circuit {
  switch (event.kind) {
    case "answered":
      return { ...newCircuit(event.atMs), suspect: suspectAfter(circuit, event) };
    // A request from before the circuit opened tells nothing new.
    case "failed":
      return circuit;
    case "probe-begun":
      return { kind: "half-open", mistrust: circuit.mistrust, suspect: circuit.suspect };
    case "probe-answered":
      return { ...newCircuit(event.atMs), mistrust: circuit.mistrust + 1, suspect: circuit.suspect };
    case "probe-failed":
      return opened(circuit.mistrust + 1, null, event.atMs, clock);
    default:
      return event satisfies never;
  }
}

function suspectAfter({ suspect }: Circuit, { operation }: { operation: string }): string | null {
  return suspect === operation ? null : suspect;
}

type FailedEvent = Extract<CircuitEvent, { kind: "failed" }>;
type ClosedCircuit = Extract<Circuit, { kind: "closed" }>;

function withFailure(failures: ClosedCircuit["failures"], { fault, operation }: FailedEvent) {
  const isOfOperation = fault === "bad-answer" || isLate(fault);
  if (isOfOperation && failures.includes(operation)) return failures;
  return [...failures, isOfOperation ? operation : null];
}

const isLate = (fault: TransportFault) => fault === "timeout" || fault === "unfinished";

/**
 * Whether a late answer does not count: the request had too little time for any, or its operation is the
 * suspect.
 */
function saysNothing(
  { fault, operation, begunAtMs, atMs }: FailedEvent,
  { suspect }: ClosedCircuit,
): boolean {
  return isLate(fault) && (atMs - begunAtMs < SHORT_MS || suspect === operation);
}

/** Whether this one failure proves that the endpoint does not answer. */
function isSure(event: FailedEvent, { heardAtMs, slowestMs }: ClosedCircuit): boolean {
  switch (event.fault) {
    case "no-connection":
      return true;
    case "timeout": {
      const silentMs = event.atMs - Math.max(event.begunAtMs, heardAtMs);
      const minMs = event.hasOthers ? SILENCE.minBesideOthersMs : SILENCE.minMs;
      return silentMs >= Math.min(SILENCE.maxMs, Math.max(minMs, 2 * slowestMs));
    }
    case "unfinished":
    case "unable":
    case "bad-answer":
      return false;
    default:
      return event.fault satisfies never;
  }
}

function opened(mistrust: number, suspect: string | null, atMs: number, clock: Clock): Circuit {
  return { kind: "open", probeAtMs: atMs + backoffMs(mistrust, PROBE_WAIT, clock), mistrust, suspect };
}
