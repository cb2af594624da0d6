/** Goal: cursors sort as rows do, and only a cursor of the list is accepted. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { cursorBytes, type Direction, decodeCursor, encodeCursor, type Position } from "./cursor.ts";

const refused = expect.objectContaining({ extensions: { code: "BAD_USER_INPUT", field: "after" } });

/**
 * Texts with characters that sort differently in UTF-16 and UTF-8, prefixes of one another, and any texts.
 */
const text = fc.oneof(
  fc.string({
    unit: fc.constantFrom("a", "b", "é", "ÿ", "\u07ff", "\u0800", "\ue000", "\uffff", "𝒜", "😀"),
    maxLength: 4,
  }),
  fc
    .string({ unit: "binary", maxLength: 20 })
    .filter((value) => !value.includes("\0") && value.isWellFormed()),
);
const number = fc.oneof(fc.integer(), fc.maxSafeInteger());
const direction = fc.constantFrom<Direction>("asc", "desc");

/** As PostgreSQL orders texts of collation "C", and numbers. */
const compareKeys = (one: string | number, other: string | number) =>
  typeof one === "number"
    ? Math.sign(one - Number(other))
    : Buffer.compare(Buffer.from(one), Buffer.from(`${other}`));

const compareRows = (one: Position, other: Position) =>
  compareKeys(one.key, other.key) || compareKeys(one.id, other.id);

test("cursors of one ordering sort as their rows do", () => {
  const rows = fc.oneof(
    fc.tuple(fc.record({ key: text, id: text }), fc.record({ key: text, id: text })),
    fc.tuple(fc.record({ key: number, id: text }), fc.record({ key: number, id: text })),
  );
  fc.assert(
    fc.property(rows, direction, ([one, other], way) => {
      const bytes = [one, other].map((row) => cursorBytes(encodeCursor("ORDER", row, way)));
      const expected = way === "asc" ? compareRows(one, other) : compareRows(other, one);
      expect(Math.sign(Buffer.compare(bytes[0]!, bytes[1]!))).toBe(Math.sign(expected));
    }),
    { numRuns: 1_000 },
  );
});

test("a cursor gives back its position", () => {
  fc.assert(
    fc.property(fc.record({ key: fc.oneof(text, number), id: text }), direction, (position, way) => {
      const type = typeof position.key === "number" ? "bigint" : "text";
      expect(decodeCursor(encodeCursor("ORDER", position, way), "ORDER", type, way)).toEqual(position);
    }),
  );
});

const cursor = encodeCursor("NAME", { key: "awa", id: "dakar:1" });
const bytesOf = (...parts: (string | number[])[]) =>
  Buffer.concat(parts.map((part) => Buffer.from(part as string))).toString("base64url");

test.each([
  ["the empty text", ""],
  ["a cursor with more behind it", `${cursor}AA`],
  ["a cursor with padding", `${cursor}=`],
  ["the cursor of the other direction", encodeCursor("NAME", { key: "awa", id: "dakar:1" }, "desc")],
  ["half a character", bytesOf("NAME\0t", [0xc3], "\0dakar:1\0")],
  ["a key of no type", bytesOf("NAME\0awa\0dakar:1\0")],
  ["a number of other digits", bytesOf("NAME\0n1\0dakar:1\0")],
  ["no id", bytesOf("NAME\0tawa\0")],
])("%s is not taken for a cursor", (_name, forged) => {
  expect(() => decodeCursor(forged, "NAME", "text")).toThrowError(refused);
});

test("a cursor of another ordering is told so", () => {
  expect(() => decodeCursor(cursor, "AGE", "int")).toThrowError(/ordering NAME, not of AGE/);
});

test("no text at all breaks it", () => {
  const forged = fc.oneof(
    fc.string(),
    fc.uint8Array().map((bytes) => Buffer.from(bytes).toString("base64url")),
  );
  fc.assert(
    fc.property(forged, direction, (after, way) => {
      expect(() => decodeCursor(after, "NAME", "text", way)).toThrowError(refused);
    }),
  );
});
