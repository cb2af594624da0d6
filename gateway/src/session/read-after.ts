/** What a request to a place says of how old its answer may be (docs/reads.md). */

import { placesOf } from "@teranga/kit/reads/places.ts";
import { comparePositions, type Position } from "@teranga/kit/reads/position.ts";
import { FROM_PRIMARY, printPositions, printWish } from "@teranga/kit/reads/read-headers.ts";
import type { Topology } from "@teranga/kit/topology/topology.ts";

export interface ReadAfter {
  /** The value of the header x-read-after. */
  header: string;
  /** What the answer must include, by place. Undefined: more than positions tell. */
  seen: ReadonlyMap<string, Position> | undefined;
  /** Other nodes of the subgraph have shown what the answers that are kept of this one may lack. */
  keptMayLack?: boolean;
}

/** Nothing has been seen of the place, so a replica of its database may answer. */
export const ANYTHING: ReadAfter = { header: "", seen: new Map() };
/** What has been seen of the place is not known. */
export const UNCERTAIN: ReadAfter = { header: FROM_PRIMARY, seen: undefined };

/**
 * Whether the answer to a request that is under way is new enough for another one too. One without positions
 * from the primary is not: it may have been read before the other's client wrote.
 */
export function covers(underWay: ReadAfter | undefined, wanted: ReadAfter | undefined): boolean {
  if (!underWay || !wanted) return underWay === wanted;
  if (!wanted.seen) return false;
  for (const [place, position] of wanted.seen) {
    const included = underWay.seen?.get(place);
    if (!included || comparePositions(included, position) < 0) return false;
  }
  return true;
}

/**
 * The same, and the answer must include a position of the place. Of a node only if it answers itself: the
 * client is served by another one that need not have it.
 */
export function atLeast(
  after: ReadAfter,
  { place, isNode }: { place: string; isNode?: boolean | undefined },
  position: Position,
): ReadAfter {
  if (!after.seen) return after;
  const known = after.seen.get(place);
  if (known && comparePositions(known, position) >= 0) return after;
  if (isNode) return { ...after, header: `${after.header},${printWish(place, position)}` };
  const seen = new Map(after.seen).set(place, position);
  return { ...after, header: printPositions(seen), seen };
}

/**
 * How a place takes part in sessions. `own`: its answers may be older than its primary, so they tell
 * positions of it. `node`: it is one of a subgraph's nodes, whose answers tell what it has of each of them.
 * `others`: it has no such answers, but may write to and read from places that have.
 */
export type Reads = "own" | "node" | "others";

/** Whether both are nodes of one subgraph, or the same one. Of places that are nodes. */
export function areSiblings(one: string, other: string): boolean {
  return one.slice(0, one.indexOf("/") + 1) === other.slice(0, other.indexOf("/") + 1);
}

/**
 * The places that take part in sessions, by name; none if no answer can be older than its primary. A service
 * that is placed as replicas may use any other service (as the orders service uses the cities), one that
 * owns a partition has only its own rows.
 * @param mayBeKept whether a cache may keep answers of the subgraph
 */
export function readsOf(
  topology: Topology | undefined,
  mayBeKept: (subgraph: string) => boolean = () => false,
): ReadonlyMap<string, Reads> {
  const reads = new Map<string, Reads>();
  const placements = [...(topology?.placements.values() ?? [])];
  for (const placement of placements)
    for (const { name, database, isNode } of placesOf(placement)) {
      if (isNode) reads.set(name, "node");
      else if (database || mayBeKept(placement.subgraph)) reads.set(name, "own");
    }
  if (reads.size === 0) return reads;
  for (const placement of placements)
    if (placement.kind === "replicas")
      for (const { name } of placesOf(placement)) if (!reads.has(name)) reads.set(name, "others");
  return reads;
}
