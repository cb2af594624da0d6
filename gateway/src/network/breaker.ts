/**
 * The circuit breaker of one endpoint: what has been seen of it, and whether it is asked.
 *
 *   closed      is asked. A connection that cannot be made → open. A request whose time is over, when nobody
 *               has heard anything for longer than it ever takes to answer → open. FAILURES_MAX failures in a
 *               row → open. Any other → closed.
 *   open        is not asked. Its time to be probed comes → half-open. An answer after all, to a request of
 *               before → closed.
 *   half-open   is not asked either; one probe is under way. It is answered → closed. It fails → open, for
 *               longer.
 *
 * It learns of the endpoint, not of its operations: one that always fails is its own askers' trouble. So
 * useless answers and requests that ran out of time count once an operation, and what cannot be of all
 * operations (an answer too large, a refusal of who asks) is no failure at all. Connections that break, and
 * 502 to 504, are the endpoint's whatever was asked.
 *
 * One silent request is enough, because every further one costs a client its whole deadline, and a mistake
 * costs little: any answer that still comes closes it, and the first probe leaves within 100 ms. What is slow
 * but answers is not silent for twice as long as its slowest answers take. The operation that was silent is a
 * suspect if the probe after it is answered: until it is answered itself, or another one is silent, its
 * silence says nothing more. Requests that fail together are one failure: those that were begun before the
 * last one was counted say nothing new.
 *
 * `mistrust` is how often it was opened since an answer to a request came. It lengthens the wait before a
 * probe, so that what answers nothing but probes is tried less and less, every PROBE_WAIT.maxMs at most.
 */

import type { TransportFault } from "@teranga/kit/http/transport.ts";
import { backoffMs, type Clock } from "@teranga/kit/process/retry.ts";

export type Circuit =
  | {
      kind: "closed";
      /** When it was closed, or the last failure was counted. */
      sinceMs: number;
      /** Of failures in a row, the operations; null for one that was the endpoint's whatever was asked. */
      failures: readonly (string | null)[];
      /** When the last answer came. */
      heardAtMs: number;
      /** What answers have taken of late, the slowest of them. */
      slowestMs: number;
      mistrust: number;
      suspect: string | null;
    }
  | { kind: "open"; probeAtMs: number; mistrust: number; suspect: string | null }
  | { kind: "half-open"; mistrust: number; suspect: string | null };

export type CircuitEvent =
  | { kind: "answered"; operation: string; begunAtMs: number; atMs: number }
  | { kind: "failed"; fault: EndpointFault; operation: string; begunAtMs: number; atMs: number }
  | { kind: "probe-begun" }
  | { kind: "probe-answered"; atMs: number }
  | { kind: "probe-failed"; atMs: number };

export type EndpointFault = Exclude<TransportFault, "not-theirs">;

/** Nobody can be expected to answer within less, and no wait for it says anything. */
const SHORT_MS = 50;
/**
 * So long a silence is no answer, at least and at most: a healthy service answers within 100 ms, and a
 * request has 5 s. In between it is twice what the slowest answers have taken.
 */
export const SILENCE = { minMs: 1_000, maxMs: 4_000 };
/** With every answer the slowest one of before counts a little less: after 60 of them it is forgotten. */
const SLOWEST_KEPT = 0.95;
/**
 * Failures of other kinds, one after the other: a service that answers half of its requests with 500 gets as
 * far once in 32 times.
 */
export const FAILURES_MAX = 5;
/** From when it opens to its first probe, and between two probes. */
export const PROBE_WAIT = { firstMs: 100, maxMs: 5_000 };

/**
 * A probe's deadline doubles with mistrust: the dead are to be tried again soon, and what is slow is to be
 * found alive.
 */
const PROBE_DEADLINE = { firstMs: 1_000, maxMs: 5_000 };

export function probeDeadlineMs({ mistrust }: Circuit): number {
  return Math.min(PROBE_DEADLINE.maxMs, PROBE_DEADLINE.firstMs * 2 ** Math.min(mistrust, 30));
}

/** Of an endpoint that was never asked. */
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
 * Whether a probe that has failed so finds the endpoint alive. It answers for the endpoint no more than a
 * client's request would: a useless answer or a refusal comes from something that lives.
 */
export function isAlive(fault: TransportFault): boolean {
  return fault === "bad-answer" || fault === "not-theirs";
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
    // The probe of a circuit that an answer has closed meanwhile.
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
    // Requests of before it opened: that is known.
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
  const isOfOperation = fault === "bad-answer" || fault === "timeout";
  if (isOfOperation && failures.includes(operation)) return failures;
  return [...failures, isOfOperation ? operation : null];
}

/**
 * Whether a request had so little time that nobody could have answered it, or is one that is silent by
 * itself.
 */
function saysNothing(
  { fault, operation, begunAtMs, atMs }: FailedEvent,
  { suspect }: ClosedCircuit,
): boolean {
  return fault === "timeout" && (atMs - begunAtMs < SHORT_MS || suspect === operation);
}

/** Whether one failure is enough to know that nobody answers there. */
function isSure(event: FailedEvent, { heardAtMs, slowestMs }: ClosedCircuit): boolean {
  switch (event.fault) {
    case "no-connection":
      return true;
    case "timeout": {
      const silentMs = event.atMs - Math.max(event.begunAtMs, heardAtMs);
      return silentMs >= Math.min(SILENCE.maxMs, Math.max(SILENCE.minMs, 2 * slowestMs));
    }
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
