import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { comparePositions, laterPosition, parsePosition, printPosition } from "./position.ts";
import { parsePositions, parseRanges, printPositions, printRanges } from "./read-headers.ts";

const position = fc.record({
  timeline: fc.integer({ min: 1, max: 2 ** 31 }),
  lsn: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
});

describe("positions", () => {
  it("are ordered as numbers, the timeline first", () => {
    expect(comparePositions({ timeline: 1, lsn: 9 }, { timeline: 1, lsn: 10 })).toBeLessThan(0);
    expect(comparePositions({ timeline: 2, lsn: 9 }, { timeline: 10, lsn: 1 })).toBeLessThan(0);
    expect(laterPosition({ timeline: 1, lsn: 10 }, { timeline: 2, lsn: 9 })).toEqual({ timeline: 2, lsn: 9 });
  });

  it("survive their text", () => {
    fc.assert(
      fc.property(position, (each) => {
        expect(parsePosition(printPosition(each))).toEqual(each);
      }),
    );
  });

  it.each([
    "",
    "1",
    "1.",
    ".5",
    "1.5.5",
    "-1.5",
    "1.99999999999999999",
    "0x1.5",
    " 1.5",
    "1.9007199254740993",
  ])("are not read from %j", (text) => expect(parsePosition(text)).toBeUndefined());
});

describe("headers", () => {
  it("survive their text", () => {
    const place = fc.constantFrom("catalog", "city/dakar", "city/saint-louis");
    fc.assert(
      fc.property(fc.array(fc.tuple(place, position)), (entries) => {
        const positions = new Map(entries);
        expect(parsePositions(printPositions(positions))).toEqual(positions);
        const ranges = new Map(
          entries.map(([name, upTo]) => [name, { includes: { timeline: 1, lsn: 0 }, upTo }]),
        );
        expect(parseRanges(printRanges(ranges))).toEqual(ranges);
      }),
    );
  });

  it("say of no answer that it includes more than it can", () => {
    expect(parseRanges("catalog=1.9-1.5,city/dakar=2.1-1.9")).toEqual(
      new Map([
        ["catalog", { includes: { timeline: 1, lsn: 5 }, upTo: { timeline: 1, lsn: 5 } }],
        ["city/dakar", { includes: { timeline: 1, lsn: 9 }, upTo: { timeline: 1, lsn: 9 } }],
      ]),
    );
  });

  it("leave out what cannot be read", () => {
    expect(parsePositions("catalog=1.5,city/dakar=x,=1.1,,thies")).toEqual(
      new Map([["catalog", { timeline: 1, lsn: 5 }]]),
    );
    expect(parseRanges("catalog=1.5,city/dakar=1.5-1.6")).toEqual(
      new Map([["city/dakar", { includes: { timeline: 1, lsn: 5 }, upTo: { timeline: 1, lsn: 6 } }]]),
    );
  });
});
