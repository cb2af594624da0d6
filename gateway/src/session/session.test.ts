/**
 * Goal: a session never lets a later read be older than an earlier one, and a token of no use does no harm.
 * Method: sessions by hand, a clock that the test sets, answers as services give them.
 */
import { type Position, printPosition } from "@teranga/kit/reads/position.ts";
import { printPositions } from "@teranga/kit/reads/read-headers.ts";
import fc from "fast-check";
import { expect, test } from "vitest";
import { covers, type ReadAfter } from "./read-after.ts";
import { type AskedRead, Session, type TokenFault } from "./session.ts";
import { mergeSeen, type Seen, TOKEN_LENGTH_MAX, TokenSeal } from "./session-token.ts";

const at = (lsn: number, timeline = 1): Position => ({ timeline, lsn });
const seal = new TokenSeal("a credential of the cluster");
let nowMs = 1_738_000_000_000;
const faults: TokenFault[] = [];
const sessionOf = (...tokens: string[]) => {
  faults.length = 0;
  return new Session(tokens, { seal, nowMs: () => nowMs, onFault: (fault) => faults.push(fault) });
};
const tokenOf = (positions: Record<string, Position>, uncertainUntilMs = 0) =>
  seal.print({ positions: new Map(Object.entries(positions)), uncertainUntilMs }, nowMs);

const isOwn = (place: string) => place !== "orders";
/** Asks a place and takes in its answer. @returns what the request said */
function ask(
  session: Session,
  place: string,
  answer: { upTo?: Position; from?: string; mayWrite?: boolean },
) {
  const { upTo, from = "replica r", mayWrite = false } = answer;
  const after = session.readAfter(place, "own");
  const asked: AskedRead = { place, reads: "own", after, mayWrite };
  const positions = upTo && `${place}=1.0-${printPosition(upTo)}`;
  session.saw(asked, { positions, readFrom: from }, isOwn);
  return after.header;
}
const headerOf = (session: Session, place: string) => session.readAfter(place, "own").header;

test("a token says of each place how far it was seen, to any gateway of the cluster", () => {
  const first = sessionOf();
  expect(ask(first, "catalog", { upTo: at(7) })).toBe("");
  expect(ask(first, "city/dakar", { upTo: at(9) })).toBe("");
  const second = sessionOf(first.token()!);
  expect(headerOf(second, "catalog")).toBe("catalog=1.7");
  expect(headerOf(second, "city/dakar")).toBe("city/dakar=1.9");
  expect(headerOf(second, "city/thies")).toBe("");
  expect(second.token()).toBeUndefined();
});

test("what was seen moves on, never back, whatever comes in which order", () => {
  const session = sessionOf(tokenOf({ catalog: at(7) }));
  const after = session.readAfter("catalog", "own");
  ask(session, "catalog", { upTo: at(9) });
  // The answer to an earlier request, which comes late.
  session.saw(
    { place: "catalog", reads: "own", after, mayWrite: false },
    { positions: "catalog=1.7-1.8", readFrom: "primary behind" },
    isOwn,
  );
  expect(headerOf(session, "catalog")).toBe("catalog=1.9");
  ask(session, "catalog", { upTo: at(1, 2) });
  expect(headerOf(session, "catalog")).toBe("catalog=2.1");
  ask(session, "catalog", { upTo: at(99, 1) });
  expect(headerOf(session, "catalog")).toBe("catalog=2.1");
  expect(faults).toEqual([]);
});

test("a database that was set back is believed, so that its readers do not wait for ever", () => {
  const session = sessionOf(tokenOf({ catalog: at(1_000) }));
  ask(session, "catalog", { upTo: at(50), from: "replica r" });
  expect(headerOf(session, "catalog")).toBe("catalog=1.1000");
  ask(session, "catalog", { upTo: at(50), from: "primary behind" });
  expect(headerOf(session, "catalog")).toBe("catalog=1.50");
  expect(faults).toEqual(["future"]);
});

test.each<[string, (session: Session) => void]>([
  [
    "a write tells no position",
    (session) => ask(session, "catalog", { from: "primary write", mayWrite: true }),
  ],
  ["a read tells no position", (session) => ask(session, "catalog", { from: "primary untold" })],
  ["the outcome of a write is not known", (session) => session.sawUnknown()],
])("if %s, every place is asked at its primary for a minute, until it tells where it is", (_, happen) => {
  const session = sessionOf(tokenOf({ "city/dakar": at(5) }));
  const early = session.readAfter("city/thies", "own");
  happen(session);
  expect(headerOf(session, "city/dakar")).toBe("primary");
  // An answer to what was asked before is from before, perhaps.
  const asked: AskedRead = { place: "city/thies", reads: "own", after: early, mayWrite: false };
  session.saw(asked, { positions: "city/thies=1.1-1.2", readFrom: "replica r" }, isOwn);
  expect(headerOf(session, "city/thies")).toBe("primary");
  ask(session, "city/dakar", { upTo: at(6), from: "primary not-allowed" });
  const next = sessionOf(session.token()!);
  expect(headerOf(next, "city/dakar")).toBe("city/dakar=1.6");
  expect(headerOf(next, "catalog")).toBe("primary");
  nowMs += 61_000;
  const later = sessionOf(session.token()!);
  expect(headerOf(later, "city/dakar")).toBe("city/dakar=1.6");
  expect(headerOf(later, "catalog")).toBe("");
});

test("a service that uses other places says what it has written there, or nothing is certain", () => {
  const session = sessionOf(tokenOf({ "city/dakar": at(5) }));
  const asked = (mayWrite: boolean): AskedRead => ({
    place: "orders",
    reads: "others",
    after: session.readAfter("orders", "others"),
    mayWrite,
  });
  session.saw(asked(true), { positions: "city/dakar=1.8-1.8,city/thies=1.3-1.3,orders=1.1-1.1" }, isOwn);
  session.saw(asked(true), { positions: "" }, isOwn);
  session.saw(asked(false), undefined, isOwn);
  expect(headerOf(session, "city/dakar")).toBe("city/dakar=1.8");
  expect(headerOf(session, "city/thies")).toBe("city/thies=1.3");
  expect(headerOf(session, "orders")).toBe("");
  session.saw(asked(true), undefined, isOwn);
  expect(headerOf(session, "city/thies")).toBe("primary");
});

test.each<[string, string]>([
  ["forged", tokenOf({ catalog: at(9) }).replace(/.$/, (last) => (last === "A" ? "Q" : "A"))],
  [
    "of another cluster",
    new TokenSeal("another").print({ positions: new Map([["catalog", at(9)]]), uncertainUntilMs: 0 }, 0),
  ],
  ["truncated", tokenOf({ catalog: at(9) }).slice(0, -3)],
  ["without its signature", tokenOf({ catalog: at(9) }).split(".")[0]!],
  ["a megabyte long", `${"A".repeat(1_000_000)}.${"A".repeat(22)}`],
  ["no token at all", "null"],
  ["empty", ""],
])("a token that is %s is as if there were none, and counted", (_, token) => {
  const session = sessionOf(token);
  expect(headerOf(session, "catalog")).toBe("");
  expect(session.token()).toBeUndefined();
  expect(faults).toEqual(["forged"]);
});

test("any text is harmless", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "binary", maxLength: 200 })), (tokens) => {
      expect(headerOf(sessionOf(...tokens, tokenOf({ catalog: at(9) })), "catalog")).toBe("catalog=1.9");
    }),
  );
});

test("a client with several tokens has seen what each of them says", () => {
  const session = sessionOf(tokenOf({ catalog: at(9), "city/dakar": at(1) }), tokenOf({ catalog: at(8, 2) }));
  expect(headerOf(session, "catalog")).toBe("catalog=2.8");
  expect(headerOf(session, "city/dakar")).toBe("city/dakar=1.1");
});

test.each([
  ["more than it can send", ["unknown"], []],
  ["more than are read", Array.from({ length: 65 }, () => tokenOf({ catalog: at(9) })), ["many"]],
])("a client with %s is answered from primaries", (_, tokens, expected) => {
  const session = sessionOf(...tokens);
  expect(headerOf(session, "catalog")).toBe("primary");
  expect(faults).toEqual(expected);
  expect(headerOf(sessionOf(session.token()!), "catalog")).toBe("primary");
});

test("a token has a bound: the places that moved longest ago are uncertain then", () => {
  const session = sessionOf();
  const places = Array.from({ length: 1_024 }, (_, index) => `city/c${index}`);
  for (const place of places) ask(session, place, { upTo: at(123_456_789_012) });
  ask(session, "city/c0", { upTo: at(123_456_789_013) });
  const token = session.token()!;
  expect(token.length).toBeLessThanOrEqual(TOKEN_LENGTH_MAX);
  expect(token.length).toBeGreaterThan(TOKEN_LENGTH_MAX - 50);
  const next = sessionOf(token);
  expect(headerOf(next, "city/c0")).toBe("city/c0=1.123456789013");
  expect(headerOf(next, "city/c1023")).toBe("city/c1023=1.123456789012");
  expect(headerOf(next, "city/c1")).toBe("primary");
  const inCookie = new Session([token], { seal, nowMs: () => nowMs }, 700);
  ask(inCookie, "city/c7", { upTo: at(123_456_789_014) });
  expect(inCookie.token()!.length).toBeLessThanOrEqual(700);
});

test("a clock that is ahead holds nobody to the primary for longer than a minute", () => {
  const session = sessionOf(tokenOf({}, nowMs + 3_600_000));
  expect(headerOf(session, "catalog")).toBe("primary");
  nowMs += 61_000;
  expect(headerOf(session, "catalog")).toBe("");
});

const place = fc.constantFrom("a", "b", "c");
const seenOf = fc.record({
  positions: fc
    .array(
      fc.tuple(
        place,
        fc.nat({ max: 3 }).map((lsn) => at(lsn)),
      ),
    )
    .map((all) => new Map(all)),
  uncertainUntilMs: fc.constantFrom(0, Number.MAX_SAFE_INTEGER),
});
/** How far a place was seen: infinitely far if that is uncertain. */
const levelOf = ({ positions, uncertainUntilMs }: Seen, name: string) =>
  positions.get(name)?.lsn ?? (uncertainUntilMs > nowMs ? Number.POSITIVE_INFINITY : -1);

test("what several tokens say together is what any of them says at most", () => {
  fc.assert(
    fc.property(fc.array(seenOf, { minLength: 1 }), (all) => {
      const merged = mergeSeen(all, nowMs);
      for (const name of ["a", "b", "c"])
        expect(levelOf(merged, name)).toBe(Math.max(...all.map((seen) => levelOf(seen, name))));
    }),
  );
});

test("an answer under way is new enough for another query only if it must include what that must", () => {
  const wish = fc.oneof(
    fc.constant<ReadAfter | undefined>(undefined),
    fc
      .option(
        fc.dictionary(
          place,
          fc.nat({ max: 2 }).map((lsn) => at(lsn)),
        ),
        { nil: undefined },
      )
      .map((seen) => {
        const positions = seen && new Map(Object.entries(seen));
        return { header: positions ? printPositions(positions) : "primary", seen: positions };
      }),
  );
  fc.assert(
    fc.property(wish, wish, (underWay, wanted) => {
      const isNewEnough =
        !underWay || !wanted
          ? underWay === wanted
          : ["a", "b", "c"].every((name) => {
              const lsn = wanted.seen ? (wanted.seen.get(name)?.lsn ?? -1) : Number.POSITIVE_INFINITY;
              return (underWay.seen?.get(name)?.lsn ?? -1) >= lsn;
            });
      expect(covers(underWay, wanted)).toBe(isNewEnough);
    }),
  );
});
