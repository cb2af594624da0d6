/**
 * Relay-style connections over keyset pagination (https://relay.dev/graphql/connections.htm).
 *
 * A cursor holds the ordering it belongs to, the row's sort key and its id, so a page costs the same wherever it begins and
 * rows that come or go in between neither repeat nor hide others. Cursors are opaque to clients and checked when they
 * come back; what they hold is only ever used as a bind parameter.
 */
import { z } from "zod";
import { badInput } from "./errors.ts";

/** Rows of a page when the client does not say. */
export const PAGE_SIZE_DEFAULT = 20;
/** The largest page. A page of 100 orders with 10 lines each is about 100 kB of JSON. */
export const PAGE_SIZE_MAX = 100;
/** A sort key is a name of 200 characters at most, which normalisation can make three times as long (Hangul). */
const SORT_KEY_LENGTH_MAX = 600;
/** In base64, with three bytes of UTF-8 or an escape of six characters for each of the key's. */
const CURSOR_LENGTH_MAX = 6_000;

/** Where a page begins: after the row with this sort key and id. */
export interface Position {
  key: string | number;
  id: string;
}

/** A page that a client asks for. */
export interface Page {
  /** The ordering's name; a cursor of another ordering is refused. */
  order: string;
  /** The number of rows. */
  first: number;
  after: Position | null;
}

export interface PageArguments {
  first?: number | null;
  after?: string | null;
}

/** What the ordering's sort keys are; a forged cursor with a key of another type is refused. */
export type SortKeyType = "text" | "int" | "bigint" | "time";

/** Checks the arguments of a connection field. @throws GraphQLError BAD_USER_INPUT naming `first` or `after`. */
export function parsePage(args: PageArguments, order: string, keyType: SortKeyType): Page {
  const first = args.first ?? PAGE_SIZE_DEFAULT;
  if (first < 1 || first > PAGE_SIZE_MAX)
    throw badInput("first", `must be from 1 to ${PAGE_SIZE_MAX}, not ${first}`);
  return { order, first, after: args.after == null ? null : decodeCursor(args.after, order, keyType) };
}

const cursorContent = z.tuple([
  z.string(),
  z.union([z.string().max(SORT_KEY_LENGTH_MAX), z.number()]),
  z.string().max(200),
]);

export function encodeCursor(order: string, { key, id }: Position): string {
  return Buffer.from(JSON.stringify([order, key, id])).toString("base64url");
}

function decodeCursor(cursor: string, order: string, keyType: SortKeyType): Position {
  const content = cursor.length > CURSOR_LENGTH_MAX ? null : parseCursor(cursor);
  if (!content) throw badInput("after", "is not a cursor of this list");
  const [cursorOrder, key, id] = content;
  if (cursorOrder !== order)
    throw badInput("after", `is a cursor of the ordering ${cursorOrder.slice(0, 40)}, not of ${order}`);
  if (!isKey(key, keyType) || id.includes("\0")) throw badInput("after", "is not a cursor of this list");
  return { key, id };
}

function parseCursor(cursor: string): z.infer<typeof cursorContent> | null {
  try {
    return (
      cursorContent.safeParse(JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"))).data ?? null
    );
  } catch {
    return null;
  }
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
      return typeof key === "string" && !key.includes("\0");
    default:
      return type satisfies never;
  }
}

/** The answer to a page: what GraphQL's Connection types ask for, of any node type. */
export interface Connection<Node> {
  edges: { cursor: string; node: Node }[];
  pageInfo: {
    hasNextPage: boolean;
    hasPreviousPage: boolean;
    startCursor: string | null;
    endCursor: string | null;
  };
  /** Counts all rows of the list, when asked. */
  totalCount: () => Promise<number>;
}

/**
 * Makes a connection from rows that were fetched with a limit of `page.first + 1`: the extra row says whether there is more.
 * @param positionOf a row's sort key and id
 */
export function toConnection<Row, Node>(
  rows: readonly Row[],
  page: Page,
  positionOf: (row: Row) => Position,
  toNode: (row: Row) => Node,
  totalCount: () => Promise<number>,
): Connection<Node> {
  const edges = rows.slice(0, page.first).map((row) => ({
    cursor: encodeCursor(page.order, positionOf(row)),
    node: toNode(row),
  }));
  return {
    edges,
    pageInfo: {
      hasNextPage: rows.length > page.first,
      // Forward paging only: before the first page there is nothing, before any other there is.
      hasPreviousPage: page.after !== null,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
    totalCount,
  };
}
