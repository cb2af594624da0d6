/**
 * Cursors: where a page of a list begins. A cursor holds the ordering it belongs to, a row's sort key and the row's id, as bytes
 * that sort as the rows do: who merges lists of several services compares the cursors and needs to know nothing of what is in
 * them. They are opaque to clients and checked when they come back; what they hold is only ever used as a bind parameter.
 */
import { z } from "zod";
import { badInput } from "./errors.ts";

/** Where a page begins: after the row with this sort key and id. */
export interface Position {
  key: string | number;
  id: string;
}

export type Direction = "asc" | "desc";

/** What the ordering's sort keys are; a forged cursor with a key of another type is refused. */
export type SortKeyType = "text" | "int" | "bigint" | "time";

/** A sort key is a name of 200 characters at most, which normalisation can make three times as long (Hangul). */
const SORT_KEY_LENGTH_MAX = 600;
const ID_LENGTH_MAX = 200;
const ORDER_LENGTH_MAX = 40;
/** In base64, with three bytes of UTF-8 for each character. */
export const CURSOR_LENGTH_MAX = 4 * (SORT_KEY_LENGTH_MAX + ID_LENGTH_MAX + ORDER_LENGTH_MAX);

/** Ends each part. PostgreSQL's texts have none, and nothing sorts before it: "Fall" comes before "Fallou". */
const END = "\0";
/** Added to a number, which then has no sign and always as many digits. */
const NUMBER_OFFSET = 2n ** 53n;
const NUMBER_DIGITS = 14;

/**
 * The cursor of a row. Texts sort by their UTF-8 bytes, as PostgreSQL's collation "C" sorts them; JavaScript's own comparison
 * would put characters beyond U+FFFF before some that are smaller.
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
  // Whatever else the bytes may say that has the same meaning is no cursor that we gave.
  if (!isKnown || encodeCursor(order, { key, id }, direction) !== cursor) throw notOfThisList();
  return { key, id };
}

/** Whether a text can be a cursor. Only the list that it belongs to knows whether it is one. */
export function looksLikeCursor(text: string): boolean {
  return text.length <= CURSOR_LENGTH_MAX && /^[\w-]+$/.test(text);
}

/** What of cursors of one ordering sorts as their rows do, byte by byte. */
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
