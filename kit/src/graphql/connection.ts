/**
 * Relay-style connections over keyset pagination (https://relay.dev/graphql/connections.htm).
 *
 * A cursor (cursor.ts) holds the row's sort key and its id. So a page costs the same wherever it begins, and
 * rows that are added or removed between two pages neither repeat nor hide other rows.
 */
import { type Direction, decodeCursor, encodeCursor, type Position, type SortKeyType } from "./cursor.ts";
import { badInput } from "./errors.ts";

export { encodeCursor, type Position, type SortKeyType } from "./cursor.ts";

/** Rows of a page if the client gives no number. */
export const PAGE_SIZE_DEFAULT = 20;
/** The largest page. A page of 100 orders with 10 lines each is about 100 kB of JSON. */
export const PAGE_SIZE_MAX = 100;

/**
 * The most rows that a count reads. A list may grow without limit, and the cost of counting with it. A list
 * of more than 10,000 rows is counted as 10,001, which means "at least" (decision 024).
 */
export const COUNT_LIMIT = 10_001;

/** A page that a client asks for. */
export interface Page {
  /** The ordering's name. A cursor of another ordering is refused. */
  order: string;
  /** The direction in which the ordering's cursors sort; ascending by default. */
  direction?: Direction;
  /** The number of rows. */
  first: number;
  after: Position | null;
}

export interface PageArguments {
  first?: number | null;
  after?: string | null;
}

/**
 * Checks the arguments of a connection field.
 * @param direction the ordering's direction; needed if the list is merged with other
 * services' lists by its cursors
 * @throws GraphQLError BAD_USER_INPUT naming `first` or `after`
 */
export function parsePage(
  args: PageArguments,
  order: string,
  keyType: SortKeyType,
  direction: Direction = "asc",
): Page {
  const first = parsePageSize(args.first);
  const after = args.after == null ? null : decodeCursor(args.after, order, keyType, direction);
  return { order, direction, first, after };
}

/** @throws GraphQLError BAD_USER_INPUT naming `first` */
export function parsePageSize(given: number | null | undefined): number {
  const first = given ?? PAGE_SIZE_DEFAULT;
  if (first < 1 || first > PAGE_SIZE_MAX)
    throw badInput("first", `must be from 1 to ${PAGE_SIZE_MAX}, not ${first}`);
  return first;
}

/** A page in the shape of GraphQL's Connection types, for any node type. */
export interface Connection<Node> {
  edges: { cursor: string; node: Node }[];
  pageInfo: {
    hasNextPage: boolean;
    hasPreviousPage: boolean;
    startCursor: string | null;
    endCursor: string | null;
  };
  /** Counts the list's rows, COUNT_LIMIT at most, if the field is queried. */
  totalCount: () => Promise<number>;
}

/**
 * Makes a connection from rows that were fetched with a limit of `page.first + 1`. The extra row shows that
 * another page follows.
 * @param positionOf returns a row's sort key and id
 */
export function toConnection<Row, Node>(
  rows: readonly Row[],
  page: Page,
  positionOf: (row: Row) => Position,
  toNode: (row: Row) => Node,
  totalCount: () => Promise<number>,
): Connection<Node> {
  const edges = rows.slice(0, page.first).map((row) => ({
    cursor: encodeCursor(page.order, positionOf(row), page.direction),
    node: toNode(row),
  }));
  return {
    edges,
    pageInfo: {
      hasNextPage: rows.length > page.first,
      // Paging only goes forward, so every page with an `after` has a page before it.
      hasPreviousPage: page.after !== null,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
    totalCount,
  };
}
