/**
 * Positions of other services' databases that a request has moved or read: a service without a database tells
 * them with its own answer. Its questions to the others leave in batches, for several requests at a time.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { NOTE_LENGTH_MAX } from "../http/answer-notes.ts";
import { comparePositions, laterPosition } from "./position.ts";
import {
  FROM_PRIMARY,
  POSITIONS_HEADER,
  type PositionRange,
  parseRanges,
  printRanges,
  READ_AFTER_HEADER,
} from "./read-headers.ts";
import type { ServiceReads } from "./service-reads.ts";

/** The positions that one request has met. */
export interface Collected {
  /** By place. */
  ranges: Map<string, PositionRange>;
  /** Whether every question was answered with positions. */
  isWhole: boolean;
}

/** Those of the requests that the present work is done for. */
const collecting = new AsyncLocalStorage<readonly Collected[]>();

/** What the present work collects for; empty if nobody asked for positions. */
export function currentCollected(): readonly Collected[] {
  return collecting.getStore() ?? [];
}

/** Works for several requests at once. */
export function collectFor<Result>(requests: readonly Collected[], run: () => Result): Result {
  return collecting.run(requests, run);
}

/** The header by which a question asks for positions, if the present work collects them. */
export function askForPositions(): Record<string, string> {
  return currentCollected().length > 0 ? { [READ_AFTER_HEADER]: FROM_PRIMARY } : {};
}

/** Takes what an answer says of positions; undefined if that is nothing, or there is no answer. */
export function collect(positions: string | undefined): void {
  const ranges = positions === undefined ? [] : parseRanges(positions);
  const found: Collected = { ranges: new Map(ranges), isWhole: positions !== undefined };
  for (const each of currentCollected()) collectAll(each, found);
}

/** Takes what another request has collected. */
export function collectAll(into: Collected, from: Collected): void {
  into.isWhole &&= from.isWhole;
  for (const [place, { includes, upTo }] of from.ranges) {
    const known = into.ranges.get(place) ?? { includes, upTo };
    into.ranges.set(place, {
      includes: comparePositions(known.includes, includes) < 0 ? known.includes : includes,
      upTo: laterPosition(known.upTo, upTo),
    });
  }
}

/** For a service without a database. Its answer tells the positions of all places, or says nothing. */
export const collectedReads: ServiceReads = {
  async serve(_readAfter, run) {
    const collected: Collected = { ranges: new Map(), isWhole: true };
    const answer = await collecting.run([collected], run);
    const positions = printRanges(collected.ranges);
    if (collected.isWhole && positions.length <= NOTE_LENGTH_MAX)
      answer.headers.set(POSITIONS_HEADER, positions);
    return answer;
  },
};
