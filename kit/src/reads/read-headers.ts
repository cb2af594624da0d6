/**
 * The headers by which services say how old their answers are (docs/reads.md).
 *
 * A place is one database as callers know it: `catalog`, or `city/dakar` for a partition.
 *
 *     x-read-after: city/dakar=1.500         the answer must include everything up to these positions; it may
 *                                            come from a replica of the database
 *     x-read-after: city/dakar=1.500,catalog/thies=1.700?
 *                                            the last one only if the node of that place answers
 *     x-read-after: primary                  the answer must come from the primary
 *     x-positions: city/dakar=1.480-1.520    the answer includes everything up to 1.480, nothing after 1.520
 *     x-read-from: replica dakar-2           who answered; `primary REASON` says why no replica did;
 *                                            `nobody`: this node lacks what was seen, and did nothing
 *
 * A request without `x-read-after` is answered from the primary, without positions.
 */
import { comparePositions, type Position, parsePosition, printPosition } from "./position.ts";

export const READ_AFTER_HEADER = "x-read-after";
export const POSITIONS_HEADER = "x-positions";
export const READ_FROM_HEADER = "x-read-from";

/** The value of x-read-after that allows no replica. */
export const FROM_PRIMARY = "primary";

/** The value of x-read-from of a node that has not received what its caller has seen. */
export const NOT_READ = "nobody";

/** A header has at most so many places: the topology has at most 1,024 cities. */
const PLACES_MAX = 2_000;

/** The part of a database's history that an answer shows. */
export interface PositionRange {
  /** The answer includes everything that was committed up to here. */
  includes: Position;
  /** The answer includes nothing that was committed after this. */
  upTo: Position;
}

/** The name of a place. */
export function placeName(subgraph: string, partition?: string): string {
  return partition === undefined ? subgraph : `${subgraph}/${partition}`;
}

export function printPositions(positions: ReadonlyMap<string, Position>): string {
  return Array.from(positions, ([place, position]) => `${place}=${printPosition(position)}`).join(",");
}

/** Whatever is no position is left out: the header may come from a program of another version. */
export function parsePositions(text: string): Map<string, Position> {
  return parseEntries(text, parsePosition);
}

/** What is wanted of one place, if it is this place that answers. */
export function printWish(place: string, position: Position): string {
  return `${printPositions(new Map([[place, position]]))}?`;
}

/** The places with a wish (`printWish`). Others do not read it as a position. */
export function parseWishes(text: string): Map<string, Position> {
  return parseEntries(text, (entry) => (entry.endsWith("?") ? parsePosition(entry.slice(0, -1)) : undefined));
}

export function printRanges(ranges: ReadonlyMap<string, PositionRange>): string {
  return Array.from(
    ranges,
    ([place, { includes, upTo }]) => `${place}=${printPosition(includes)}-${printPosition(upTo)}`,
  ).join(",");
}

/** Whatever is no range is left out. */
export function parseRanges(text: string): Map<string, PositionRange> {
  return parseEntries(text, parseRange);
}

/**
 * `includes` is never after `upTo`: a caller may have asked for more than the database has, and what is kept
 * of the answer must not count as newer than all to come.
 */
function parseRange(text: string): PositionRange | undefined {
  const [from = "", to = ""] = text.split("-", 2);
  const includes = parsePosition(from);
  const upTo = parsePosition(to);
  if (!includes || !upTo) return undefined;
  return { includes: comparePositions(includes, upTo) < 0 ? includes : upTo, upTo };
}

function parseEntries<Value>(text: string, parse: (text: string) => Value | undefined): Map<string, Value> {
  const entries = new Map<string, Value>();
  for (const entry of text.split(",", PLACES_MAX)) {
    const separator = entry.indexOf("=");
    const value = separator > 0 ? parse(entry.slice(separator + 1).trim()) : undefined;
    if (value !== undefined) entries.set(entry.slice(0, separator).trim(), value);
  }
  return entries;
}
