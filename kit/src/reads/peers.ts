/**
 * What a node's database has received of the other nodes', each of which is written on its own. Positions of
 * a peer are those of the peer's log, so they say the same to every node.
 */
import { comparePositions, type Position } from "./position.ts";
import type { PositionRange } from "./read-headers.ts";

/** By place. A peer of which nothing was received is at 0. */
export type Received = ReadonlyMap<string, PositionRange>;

export interface Peers {
  /** What a read that begins now shows of each peer, at least and at most. Asked for after the call. */
  received(): Promise<Received>;
  /** Lets peers tell at once how far they are: one that has nothing to say else tells it once a second. */
  call(places: Iterable<string>): void;
}

export interface ReachMeans {
  /** A clock that only goes forward. */
  nowMs: () => number;
  delay: (ms: number) => Promise<unknown>;
}

/** A link that works takes some milliseconds. Then another node is asked. */
const REACH_MAX_MS = 300;
const LOOK_AGAIN_MS = 5;

/**
 * Waits until what was seen of the peers is received, for a bounded time. Places that are no peers (of a node
 * that has left) are not waited for.
 * @returns what is received; undefined if it is not enough
 */
export async function reach(
  peers: Peers,
  wanted: ReadonlyMap<string, Position>,
  { nowMs, delay }: ReachMeans,
): Promise<Received | undefined> {
  const endMs = nowMs() + REACH_MAX_MS;
  for (let isFirst = true; ; isFirst = false) {
    const received = await peers.received();
    const missing = [...wanted].filter(([place, position]) => {
      const known = received.get(place);
      return known && comparePositions(known.includes, position) < 0;
    });
    if (missing.length === 0) return received;
    if (nowMs() >= endMs) return undefined;
    if (isFirst) peers.call(missing.map(([place]) => place));
    await delay(LOOK_AGAIN_MS);
  }
}
