/**
 * Positions in a database's write-ahead log: what a client has seen, and what a database replica has
 * replayed.
 *
 * A position is a timeline and a place in its log (LSN). A promotion begins a new timeline, whose log may
 * lack the end of the one before. So positions of different timelines are ordered by their timelines only:
 * the later one follows. Text: `3.83886080`, both numbers decimal.
 */

export interface Position {
  /** Counts the promotions of the database, from 1. */
  timeline: number;
  /** Bytes since the log's beginning, below 2^53. */
  lsn: number;
}

/** Negative if `a` is before `b`, 0 if they are equal, positive if `a` is after `b`. */
export function comparePositions(a: Position, b: Position): number {
  return a.timeline - b.timeline || a.lsn - b.lsn;
}

export function laterPosition(a: Position, b: Position): Position {
  return comparePositions(a, b) < 0 ? b : a;
}

export function printPosition({ timeline, lsn }: Position): string {
  return `${timeline}.${lsn}`;
}

const POSITION = /^(\d{1,10})\.(\d{1,16})$/;

/** Undefined if the text is no position. */
export function parsePosition(text: string): Position | undefined {
  const [, timeline, lsn] = POSITION.exec(text) ?? [];
  if (timeline === undefined || lsn === undefined) return undefined;
  const position = { timeline: Number(timeline), lsn: Number(lsn) };
  return Number.isSafeInteger(position.lsn) ? position : undefined;
}
