/**
 * Goal: the breaker opens for endpoints that do not answer, and for nothing else. Method: single transitions,
 * and random histories.
 */

import fc from "fast-check";
import { expect, test } from "vitest";
import type { Clock } from "../process/retry.ts";
import {
  advance,
  type Circuit,
  type CircuitEvent,
  type EndpointFault,
  FAILURES_MAX,
  isAlive,
  newCircuit,
  PROBE_WAIT,
  SILENCE,
} from "./breaker.ts";

const clock: Clock = { nowMs: () => 0, random: () => 0.5 };
const after = (events: readonly CircuitEvent[], from: Circuit = newCircuit(0)) =>
  events.reduce((circuit, event) => advance(circuit, event, clock), from);

/** By default each failure is of another operation. */
let operations = 0;
const answered = (atMs: number, tookMs = 1, operation = `a${operations++}`): CircuitEvent => ({
  kind: "answered",
  operation,
  begunAtMs: atMs - tookMs,
  atMs,
});
const failed = (
  fault: EndpointFault,
  begunAtMs: number,
  atMs: number,
  operation = `f${operations++}`,
): CircuitEvent => ({ kind: "failed", fault, operation, begunAtMs, atMs, hasOthers: false });
const kindAfter = (...events: CircuitEvent[]) => after(events).kind;

test("one connection that cannot be made opens it", () => {
  expect(kindAfter(answered(5), failed("no-connection", 10, 11))).toBe("open");
});

test("one request that hears nothing while nobody hears anything opens it", () => {
  expect(kindAfter(answered(5), failed("timeout", 10, 10 + SILENCE.minMs))).toBe("open");
});

test("beside another instance half of a message's time is enough, unless its answers take longer", () => {
  const beside = (begunAtMs: number, atMs: number) => ({
    ...failed("timeout", begunAtMs, atMs),
    hasOthers: true,
  });
  expect(kindAfter(failed("timeout", 10, 510))).toBe("closed");
  expect(kindAfter(beside(10, 510))).toBe("open");
  expect(kindAfter(answered(300, 300), beside(310, 810))).toBe("closed");
});

test("a request that hears nothing while others are answered does not", () => {
  expect(kindAfter(answered(4_500), failed("timeout", 10, 5_010))).toBe("closed");
  expect(kindAfter(answered(20), failed("timeout", 10, 5_010))).toBe("open");
});

test("what answers slowly may be silent for twice as long, but not for ever", () => {
  const slow = answered(1_500, 1_500);
  expect(kindAfter(slow, failed("timeout", 1_600, 4_500))).toBe("closed");
  expect(kindAfter(slow, failed("timeout", 1_600, 4_601))).toBe("open");
  expect(kindAfter(answered(4_900, 4_900), failed("timeout", 5_000, 9_000))).toBe("open");
  const forgotten = Array.from({ length: 60 }, (_, index) => answered(1_501 + index));
  expect(kindAfter(slow, ...forgotten, failed("timeout", 1_600, 2_600))).toBe("open");
});

test("a request that had little time says nothing", () => {
  expect(kindAfter(failed("timeout", 10, 10 + SILENCE.minMs - 1))).toBe("closed");
  const short = Array.from({ length: FAILURES_MAX }, (_, at) => failed("unfinished", at * 50, at * 50 + 49));
  expect(kindAfter(...short)).toBe("closed");
});

test("useless answers open it only if they are many in a row", () => {
  const failures = Array.from({ length: FAILURES_MAX }, (_, index) =>
    failed("bad-answer", index * 2, index * 2 + 1),
  );
  expect(kindAfter(...failures.slice(1))).toBe("closed");
  expect(kindAfter(...failures)).toBe("open");
  const interrupted = failures.flatMap((failure, index) =>
    index === 2 ? [answered(5), failure] : [failure],
  );
  expect(kindAfter(...interrupted)).toBe("closed");
});

test("one operation that always fails does not open it, between others that do it is counted once", () => {
  const always = Array.from({ length: 20 }, (_, index) =>
    failed("bad-answer", index * 2, index * 2 + 1, "x"),
  );
  expect(kindAfter(...always)).toBe("closed");
  const others = Array.from({ length: FAILURES_MAX - 1 }, (_, index) =>
    failed("bad-answer", 100 + index * 2, 101 + index * 2),
  );
  expect(kindAfter(...always, ...others.slice(1))).toBe("closed");
  expect(kindAfter(...always, ...others)).toBe("open");
});

test("a proxy that says that nobody answers, or connections that break, open it whatever is asked", () => {
  const unable = Array.from({ length: FAILURES_MAX }, (_, index) =>
    failed("unable", index * 2, index * 2 + 1, "x"),
  );
  expect(kindAfter(...unable.slice(1))).toBe("closed");
  expect(kindAfter(...unable)).toBe("open");
});

test("an operation that is silent by itself opens it once, until it is answered", () => {
  const silent = (atMs: number, operation = "slow") => failed("timeout", atMs, atMs + 5_000, operation);
  const probed = [silent(0), { kind: "probe-begun" }, { kind: "probe-answered", atMs: 5_100 }] as const;
  expect(kindAfter(...probed, silent(5_200), answered(10_300), silent(11_000))).toBe("closed");
  expect(kindAfter(...probed, silent(5_200), silent(10_300, "another"))).toBe("open");
  expect(kindAfter(...probed, answered(5_300, 1, "slow"), silent(6_000))).toBe("open");
  const many = Array.from({ length: 100 }, (_, index) => silent(6_000 + index * 5_001));
  expect(kindAfter(...probed, ...many)).toBe("closed");
});

test("a probe that is refused, or fails by itself, has found something alive", () => {
  expect((["bad-answer", "not-theirs"] as const).map(isAlive)).toEqual([true, true]);
  const dead = ["no-connection", "timeout", "unfinished", "unable"] as const;
  expect(dead.map(isAlive)).toEqual([false, false, false, false]);
});

test("requests that fail together are one failure", () => {
  const together = Array.from({ length: 100 }, (_, index) =>
    failed("bad-answer", index / 100, 5 + index / 100),
  );
  expect(after(together)).toMatchObject({ kind: "closed", failures: [expect.any(String)] });
});

test("what failed before it was closed again says nothing", () => {
  const closed = after([
    failed("no-connection", 1, 2),
    { kind: "probe-begun" },
    { kind: "probe-answered", atMs: 100 },
  ]);
  expect(after([failed("timeout", 2, 5_002), failed("no-connection", 3, 200)], closed).kind).toBe("closed");
  expect(after([failed("no-connection", 101, 102)], closed).kind).toBe("open");
});

test("an answer to a request of before closes it, whatever the probe says then", () => {
  const silent = failed("timeout", 0, 5_000, "x");
  const events: CircuitEvent[] = [silent, { kind: "probe-begun" }, answered(5_050, 0, "x")];
  expect(after(events)).toEqual(newCircuit(5_050));
  expect(kindAfter(...events, { kind: "probe-failed", atMs: 5_100 })).toBe("closed");
});

test("what answers only probes is probed later each time, until it answers a request", () => {
  let circuit = newCircuit(0);
  const waits: number[] = [];
  for (let time = 0; waits.length < 9; time += 10_000) {
    circuit = after([failed("timeout", time, time + 5_000)], circuit);
    if (circuit.kind !== "open") throw new Error("not open");
    waits.push(circuit.probeAtMs - time - 5_000);
    circuit = after([{ kind: "probe-begun" }, { kind: "probe-answered", atMs: time + 9_999 }], circuit);
  }
  expect(waits).toEqual([75, 150, 300, 600, 1_200, 2_400, 3_750, 3_750, 3_750]);
  const trusted = after([answered(100_001), failed("no-connection", 100_002, 100_003)], circuit);
  expect(trusted).toMatchObject({ kind: "open", probeAtMs: 100_078, mistrust: 0 });
});

/** Steps of time, and what happens after each. */
const history = fc.array(
  fc.record({
    stepMs: fc.integer({ min: 0, max: 3_000 }),
    what: fc.constantFrom(
      "answered",
      "no-connection",
      "timeout",
      "unfinished",
      "unable",
      "bad-answer",
      "probe-begun",
      "probe-answered",
      "probe-failed",
    ),
    tookMs: fc.integer({ min: 0, max: 5_000 }),
    operation: fc.constantFrom("a", "b", "c", "d", "e", "f"),
  }),
  { maxLength: 60 },
);
type Step = { stepMs: number; what: string; tookMs: number; operation: string };

function eventsOf(steps: readonly Step[]): CircuitEvent[] {
  let atMs = 0;
  return steps.map(({ stepMs, what, tookMs, operation }): CircuitEvent => {
    atMs += stepMs;
    switch (what) {
      case "answered":
        return answered(atMs, Math.min(atMs, tookMs), operation);
      case "probe-begun":
        return { kind: "probe-begun" };
      case "probe-answered":
      case "probe-failed":
        return { kind: what, atMs };
      default:
        return failed(what as "timeout", Math.max(0, atMs - tookMs), atMs, operation);
    }
  });
}

test("it never opens without a reason, and every wait for a probe is within the limits", () => {
  fc.assert(
    fc.property(history, (steps) => {
      const events = eventsOf(steps);
      let circuit = newCircuit(0);
      for (const [index, event] of events.entries()) {
        const next = advance(circuit, event, clock);
        if (next.kind === "open" && circuit.kind === "closed")
          expect(isReason(events.slice(0, index + 1))).toBe(true);
        if (next.kind === "open" && next !== circuit && "atMs" in event) {
          expect(next.probeAtMs - event.atMs).toBeGreaterThanOrEqual(PROBE_WAIT.firstMs / 2);
          expect(next.probeAtMs - event.atMs).toBeLessThanOrEqual(PROBE_WAIT.maxMs);
        }
        circuit = next;
      }
    }),
  );
});

/** Why a history may have opened the circuit with its last event, decided without the circuit. */
function isReason(events: readonly CircuitEvent[]): boolean {
  const last = events.at(-1)!;
  if (last.kind !== "failed") return false;
  if (last.fault === "no-connection") return true;
  const isAnswer = ({ kind }: CircuitEvent) => kind === "answered";
  const heardAtMs = events.filter(isAnswer).map((event) => (event as { atMs: number }).atMs);
  const isSilent = last.atMs - Math.max(last.begunAtMs, ...heardAtMs) >= SILENCE.minMs;
  if (last.fault === "timeout" && isSilent) return true;
  const sinceAnswer = events.slice(events.findLastIndex(isAnswer) + 1);
  const failures = sinceAnswer.filter((event) => event.kind === "failed");
  const endpoints = failures.filter(({ fault }) => fault === "no-connection" || fault === "unable").length;
  const isOfOperation = ({ fault }: { fault: string }) =>
    ["bad-answer", "timeout", "unfinished"].includes(fault);
  const ofOperations = failures.filter(isOfOperation);
  return endpoints + new Set(ofOperations.map(({ operation }) => operation)).size >= FAILURES_MAX;
}

test("whatever was before, the dead are found out within a few requests and the living with one probe", () => {
  fc.assert(
    fc.property(
      history,
      fc.constantFrom<EndpointFault>("no-connection", "timeout", "unfinished", "unable", "bad-answer"),
      (steps, fault) => {
        let circuit = after(eventsOf(steps));
        const startMs = 1_000_000;
        for (let request = 0; request < FAILURES_MAX; request++) {
          const begunAtMs = startMs + request * 1_000;
          circuit = after([failed(fault, begunAtMs, begunAtMs + 900)], circuit);
        }
        expect(circuit.kind).not.toBe("closed");
        expect(
          after([{ kind: "probe-begun" }, { kind: "probe-answered", atMs: 2_000_000 }], circuit).kind,
        ).toBe("closed");
      },
    ),
  );
});
