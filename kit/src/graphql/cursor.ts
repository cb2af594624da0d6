/**
 * Cursors mark where a page of a list begins. A cursor holds the name of its ordering, a row's sort key and
 * the row's id. Its bytes sort as the rows do, so a program that merges lists of several services compares
 * the cursors and need not know their contents. Cursors are opaque to clients and are checked when they come
 * back. Their contents are only ever used as bind parameters.
 */
import { z } from "zod";
import { badInput } from "./errors.ts";

/** Where a page begins: after the row with this sort key and id. */
export interface Position {
  key: string | number;
  id: string;
}

export type Direction = "asc" | "desc";

/** The type of an ordering's sort keys. A forged cursor with a key of another type is refused. */
export type SortKeyType = "text" | "int" | "bigint" | "time";

/** A sort key is a name of 200 characters at most. Normalisation can triple its length (Hangul). */
const SORT_KEY_LENGTH_MAX = 600;
const ID_LENGTH_MAX = 200;
const ORDER_LENGTH_MAX = 40;
/** In base64, with three bytes of UTF-8 for each character. */
export const CURSOR_LENGTH_MAX = 4 * (SORT_KEY_LENGTH_MAX + ID_LENGTH_MAX + ORDER_LENGTH_MAX);

/**
 * Ends each part. PostgreSQL's texts cannot contain it, and it sorts before everything else,
 * so "Fall" comes before "Fallou".
 */
const END = "\0";
/** Added to a number, so that all numbers are positive and have the same count of digits. */
const NUMBER_OFFSET = 2n ** 53n;
const NUMBER_DIGITS = 14;

/**
 * Makes the cursor of a row. Texts sort by their UTF-8 bytes, as in PostgreSQL's collation "C". JavaScript's
 * own comparison would sort characters beyond U+FFFF before some smaller ones.
 */
export function encodeCursor(order: string, { key, id }: Position, direction: Direction = "asc"): string {
  const sortKey = typeof key === "number" ? `n${numberText(key)}` : `t${key}`;
  const name = Buffer.from(`${order}${END}`);
  const position = Buffer.from(`${sortKey}${END}${id}${END}`);
  return Buffer.concat([name, direction === "asc" ? position : complement(position)]).toString("base64url");
}

/** @throws GraphQLError BAD_USER_INPUT naming `after` */
export function decodeCursor(
  cursor: string,
  order: string,
  keyType: SortKeyType,
  direction: Direction = "asc",
): Position {
  const bytes = cursor.length > CURSOR_LENGTH_MAX ? Buffer.alloc(0) : Buffer.from(cursor, "base64url");
  const nameEnd = bytes.indexOf(0);
  if (nameEnd < 0) throw notOfThisList();
  const name = bytes.subarray(0, nameEnd).toString();
  const position = bytes.subarray(nameEnd + 1);
  if (name !== order && /^\w{1,40}$/.test(name))
    throw badInput("after", `is a cursor of the ordering ${name}, not of ${order}`);
  const text = (direction === "asc" ? position : complement(position)).toString();
  const [sortKey = "", id = "", rest, ...more] = text.split(END);
  const key = sortKey.startsWith("n") ? numberOf(sortKey.slice(1)) : sortKey.slice(1);
  const isKnown = rest === "" && more.length === 0 && isKey(key, keyType) && id.length <= ID_LENGTH_MAX;
  // Other bytes may decode to the same position, but only the bytes that we would encode are our cursor.
  if (!isKnown || encodeCursor(order, { key, id }, direction) !== cursor) throw notOfThisList();
  return { key, id };
}

/** Whether a text can be a cursor. Only its own list can tell whether it really is one. */
export function looksLikeCursor(text: string): boolean {
  return text.length <= CURSOR_LENGTH_MAX && /^[\w-]+$/.test(text);
}

/** The bytes by which the cursors of one ordering sort as their rows do. */
export function cursorBytes(cursor: string): Buffer {
  return Buffer.from(cursor, "base64url");
}

export function notOfThisList() {
  return badInput("after", "is not a cursor of this list");
}

function complement(bytes: Buffer): Buffer {
  return Buffer.from(bytes.map((byte) => 255 - byte));
}

function numberText(number: number): string {
  return (BigInt(number) + NUMBER_OFFSET).toString(16).padStart(NUMBER_DIGITS, "0");
}

function numberOf(digits: string): number {
  return /^[0-9a-f]{14}$/.test(digits) ? Number(BigInt(`0x${digits}`) - NUMBER_OFFSET) : Number.NaN;
}

function isKey(key: string | number, type: SortKeyType): boolean {
  switch (type) {
    case "int":
      return Number.isInteger(key) && Math.abs(key as number) < 2 ** 31;
    case "bigint":
      return Number.isSafeInteger(key);
    case "time":
      // PostgreSQL has no year 0.
      return z.iso.datetime().safeParse(key).success && !String(key).startsWith("0000");
    case "text":
      return typeof key === "string" && key.length <= SORT_KEY_LENGTH_MAX;
    default:
      return type satisfies never;
  }
}
