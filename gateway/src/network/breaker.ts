/**
 * The circuit breaker of one endpoint: what has been seen of it, and whether it is asked.
 *
 *   closed      is asked. A connection that cannot be made → open. A request whose time is over, when nobody has heard anything
 *               for longer than it ever takes to answer → open. FAILURES_MAX failures in a row → open. Any other → closed.
 *   open        is not asked. Its time to be probed comes → half-open. An answer after all, to a request of before → closed.
 *   half-open   is not asked either; one probe is under way. It is answered → closed. It fails → open, for longer.
 *
 * One silent request is enough, because every further one costs a client its whole deadline, and a mistake costs little: any answer
 * that still comes closes it, and the first probe leaves within 100 ms. What is slow but answers is not silent for twice as long as
 * its slowest answers take. Requests that fail together are one failure: those that were begun before the last one was counted
 * say nothing new.
 *
 * `mistrust` is how often it was opened since an answer to a request came. It lengthens the wait before a probe, so that what
 * answers nothing but probes is tried less and less, every PROBE_WAIT.maxMs at most.
 */
import { backoffMs, type Clock } from "@teranga/kit/retry.ts";
import type { TransportFault } from "@teranga/kit/transport.ts";

export type Circuit =
  | {
      kind: "closed";
      /** When it was closed, or the last failure was counted. */
      sinceMs: number;
      failures: number;
      /** When the last answer came. */
      heardAtMs: number;
      /** What answers have taken of late, the slowest of them. */
      slowestMs: number;
      mistrust: number;
    }
  | { kind: "open"; probeAtMs: number; mistrust: number }
  | { kind: "half-open"; mistrust: number };

export type CircuitEvent =
  | { kind: "answered"; begunAtMs: number; atMs: number }
  | { kind: "failed"; fault: Exclude<TransportFault, "not-theirs">; begunAtMs: number; atMs: number }
  | { kind: "probe-begun" }
  | { kind: "probe-answered"; atMs: number }
  | { kind: "probe-failed"; atMs: number };

/** Nobody can be expected to answer within less, and no wait for it says anything. */
const SHORT_MS = 50;
/**
 * So long a silence is no answer, at least and at most: a healthy service answers within 100 ms, and a request has 5 s. In between
 * it is twice what the slowest answers have taken.
 */
export const SILENCE = { minMs: 1_000, maxMs: 4_000 };
/** With every answer the slowest one of before counts a little less: after 60 of them it is forgotten. */
const SLOWEST_KEPT = 0.95;
/** Failures of other kinds, one after the other: a service that answers half of its requests with 500 gets as far once in 32 times. */
export const FAILURES_MAX = 5;
/** From when it opens to its first probe, and between two probes. */
export const PROBE_WAIT = { firstMs: 100, maxMs: 5_000 };

/** A probe's deadline doubles with mistrust: the dead are to be tried again soon, and what is slow is to be found alive. */
const PROBE_DEADLINE = { firstMs: 1_000, maxMs: 5_000 };

export function probeDeadlineMs({ mistrust }: Circuit): number {
  return Math.min(PROBE_DEADLINE.maxMs, PROBE_DEADLINE.firstMs * 2 ** Math.min(mistrust, 30));
}

/** Of an endpoint that was never asked. */
export function newCircuit(atMs: number): Circuit {
  return { kind: "closed", sinceMs: atMs, failures: 0, heardAtMs: atMs, slowestMs: 0, mistrust: 0 };
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
      return { ...circuit, failures: 0, heardAtMs: event.atMs, slowestMs, mistrust: 0 };
    }
    case "failed": {
      if (event.begunAtMs < circuit.sinceMs || saysNothing(event)) return circuit;
      const failures = circuit.failures + 1;
      if (failures >= FAILURES_MAX || isSure(event, circuit)) {
        return opened(circuit.mistrust, event.atMs, clock);
      }
      return { ...circuit, sinceMs: event.atMs, failures };
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
      return newCircuit(event.atMs);
    // Requests of before it opened: that is known.
    case "failed":
      return circuit;
    case "probe-begun":
      return { kind: "half-open", mistrust: circuit.mistrust };
    case "probe-answered":
      return { ...newCircuit(event.atMs), mistrust: circuit.mistrust + 1 };
    case "probe-failed":
      return opened(circuit.mistrust + 1, event.atMs, clock);
    default:
      return event satisfies never;
  }
}

/** Whether a request had so little time that nobody could have answered it. */
function saysNothing({ fault, begunAtMs, atMs }: Extract<CircuitEvent, { kind: "failed" }>): boolean {
  return fault === "timeout" && atMs - begunAtMs < SHORT_MS;
}

/** Whether one failure is enough to know that nobody answers there. */
function isSure(
  event: Extract<CircuitEvent, { kind: "failed" }>,
  { heardAtMs, slowestMs }: Extract<Circuit, { kind: "closed" }>,
): boolean {
  switch (event.fault) {
    case "no-connection":
      return true;
    case "timeout": {
      const silentMs = event.atMs - Math.max(event.begunAtMs, heardAtMs);
      return silentMs >= Math.min(SILENCE.maxMs, Math.max(SILENCE.minMs, 2 * slowestMs));
    }
    case "bad-answer":
      return false;
    default:
      return event.fault satisfies never;
  }
}

function opened(mistrust: number, atMs: number, clock: Clock): Circuit {
  return { kind: "open", probeAtMs: atMs + backoffMs(mistrust, PROBE_WAIT, clock), mistrust };
}
