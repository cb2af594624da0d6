/**
 * Goal: whatever the order of fills, changes and reads, nothing is given that is older than what a caller has
 * seen, or than a change that was heard of. Method: random histories of one database beside a model: its
 * versions. A planted fault in each of the two comparisons is found.
 */
import type { Position } from "@teranga/kit/reads/position.ts";
import fc from "fast-check";
import { expect, test } from "vitest";
import { MemoryTier } from "./memory-tier.ts";
import { PlaceHistory } from "./place-history.ts";

const KEYS = ["7"];
/** One and two digits: as text, 9 is after 10. */
const lsnOf = (version: number) => 6 + version;
const at = (lsn: number): Position => ({ timeline: 1, lsn });

const step = fc.oneof(
  fc.record({ kind: fc.constant("write" as const), key: fc.constantFrom(...KEYS) }),
  fc.record({ kind: fc.constant("hear" as const) }),
  fc.record({ kind: fc.constant("begin" as const), key: fc.constantFrom(...KEYS), lag: fc.nat(3) }),
  fc.record({ kind: fc.constant("end" as const), which: fc.nat(9) }),
  fc.record({ kind: fc.constant("wait" as const), ms: fc.nat(20) }),
  fc.record({
    kind: fc.constant("read" as const),
    key: fc.constantFrom(...KEYS),
    seen: fc.option(fc.nat(30), { freq: 1 }),
  }),
);

interface Planted {
  /** Reads the positions of a caller or of a change wrongly. */
  garble?: (position: Position) => Position;
  /** Forgets what is kept before each fill, so that it is not compared. */
  overNewer?: boolean;
}

function run(
  steps: readonly (typeof step extends fc.Arbitrary<infer Step> ? Step : never)[],
  planted: Planted,
) {
  const { garble = (position) => position } = planted;
  let nowMs = 0;
  const history = new PlaceHistory(1);
  const open = () => new MemoryTier({ history, bytesMax: 1_000_000, nowMs: () => nowMs });
  let tier = open();
  /** The versions at which each key was written. */
  const writes = new Map(KEYS.map((key) => [key, [0]]));
  const shown = new Map(KEYS.map((key) => [key, { value: 0 }]));
  const heard = new Map(KEYS.map((key) => [key, 0]));
  const untold: { key: string; version: number }[] = [];
  const fills: { key: string; value: number; includes: number; begun: number }[] = [];
  let version = 0;
  const valueAt = (key: string, when: number) => writes.get(key)!.findLast((each) => each <= when)!;
  for (const each of steps) {
    switch (each.kind) {
      case "write":
        writes.get(each.key)!.push(++version);
        untold.push({ key: each.key, version });
        break;
      case "hear": {
        const change = untold.shift();
        if (!change) break;
        heard.set(change.key, change.version);
        history.invalidate("catalog", [change.key], garble(at(lsnOf(change.version))));
        const told = untold.length === 0 ? version : untold[0]!.version - 1;
        history.confirm("catalog", at(lsnOf(told)));
        break;
      }
      case "begin": {
        const includes = Math.max(0, version - each.lag);
        fills.push({ key: each.key, value: valueAt(each.key, includes), includes, begun: history.begin() });
        break;
      }
      case "end": {
        const [fill] = fills.splice(each.which % Math.max(1, fills.length), 1);
        if (!fill) break;
        const { key, includes, value, begun } = fill;
        const range = { includes: at(lsnOf(includes)), upTo: at(lsnOf(includes)) };
        const entry = { json: `${value}`, range, tags: [key], refreshAtMs: nowMs + 40, endsAtMs: nowMs + 50 };
        if (planted.overNewer) tier = open();
        tier.put("catalog", { key, entry }, begun);
        break;
      }
      case "wait":
        nowMs += each.ms;
        break;
      case "read": {
        const seen = each.seen === null ? undefined : Math.min(each.seen, version);
        const entry = tier.get("catalog", each.key, seen === undefined ? undefined : garble(at(lsnOf(seen))));
        if (!entry) break;
        const value = Number(entry.json);
        expect(nowMs, "it has not ended").toBeLessThan(entry.endsAtMs);
        expect(value, "what was heard of").toBeGreaterThanOrEqual(heard.get(each.key)!);
        expect(value, "what was seen").toBeGreaterThanOrEqual(valueAt(each.key, seen ?? 0));
        expect(value, "what was kept before").toBeGreaterThanOrEqual(shown.get(each.key)!.value);
        shown.get(each.key)!.value = value;
        break;
      }
      default:
        each satisfies never;
    }
  }
}

const histories = fc.array(step, { minLength: 20, maxLength: 60, size: "max" });
const check = (planted: Planted) =>
  fc.assert(
    fc.property(histories, (steps) => run(steps, planted)),
    { numRuns: 200, seed: 7, endOnFailure: true },
  );

test("nothing is given that is older than what is known", () => {
  check({});
});

test("a fill over something newer is found", () => {
  expect(() => check({ overNewer: true })).toThrow("Property failed");
});

test("positions compared as text are found", () => {
  // As text the first digit counts: 10 is 1, and before 9.
  const garble = ({ timeline, lsn }: Position) => ({ timeline, lsn: Number(`${lsn}`[0]) });
  expect(() => check({ garble })).toThrow("Property failed");
});
