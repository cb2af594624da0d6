/**
 * What the entity cache keeps, and the second tier behind the memory of one gateway (decision 037).
 *
 * A place is one database as callers know it (kit/src/reads/read-headers.ts). Tags say what an entry shows,
 * and what a change changes, within a place: `Product:7` is one entity, `Product` is whatever lists or shows
 * any product. A change of product 7 has both tags. An entry without tags may show anything of its place.
 */
import type { Position } from "@teranga/kit/reads/position.ts";
import type { PositionRange } from "@teranga/kit/reads/read-headers.ts";

/** Entries of another version are never read. Raise it when `CacheEntry` gets another meaning. @public */
export const ENTRY_VERSION = 2;

export interface CacheEntry {
  /** JSON: an entity or null, or the `data` of a whole answer. */
  json: string;
  /** Undefined if the service told no positions. Such an entry is for callers without a position only. */
  range: PositionRange | undefined;
  /** What it may show of other places, as positions (read-headers.ts). */
  others?: string | undefined;
  tags: readonly string[];
  /** From here on it is used, and fetched anew meanwhile. On the clock of `Date.now`. */
  refreshAtMs: number;
  /** From here on it is not used. On the clock of `Date.now`. */
  endsAtMs: number;
}

export interface Fill {
  /** Names the place, the fetch with everything that can change its answer, and the entity. */
  key: string;
  entry: CacheEntry;
}

/** Hears what has changed. A repeated or late call does no harm. */
export interface Invalidation {
  /** Something with these tags has changed. `position` is that of the change, or a later one. */
  invalidate(place: string, tags: readonly string[], position: Position): void;
  /** Everything of the place may have changed, up to the position: some changes were not heard of. */
  dropPlace(place: string, position: Position): void;
  /**
   * All changes up to the position were told by `invalidate`. So what is kept and was not invalidated is as
   * good as read there, and serves callers that have seen the position.
   */
  confirm(place: string, position: Position): void;
}

/** What the second tier says of one key. */
export type Looked =
  | { kind: "found"; entry: CacheEntry }
  /** Nothing to be used is there. The caller fetches it, and has the lease until it puts or releases. */
  | { kind: "leased" }
  /** Nothing is known: the tier is away, or the one who has the lease took too long. The caller fetches. */
  | { kind: "unknown" };

/**
 * The tier that all gateways share. No method rejects or takes longer than a few milliseconds, but `look`
 * waits, within a bound of its own, for whoever has the lease.
 */
export interface SharedTier {
  /** @param after an entry is of use only if it includes everything up to this position */
  look(place: string, keys: readonly string[], after: Position | undefined): Promise<Looked[]>;
  /** Keeps what is neither older than what is kept nor than an invalidation, and gives the leases back. */
  put(place: string, fills: readonly Fill[]): Promise<void>;
  /** Gives the leases of keys back that are not filled. */
  release(place: string, keys: readonly string[]): Promise<void>;
  /** Idempotent: every gateway that follows the changes calls it. */
  invalidate(place: string, tags: readonly string[], position: Position): Promise<void>;
  dropPlace(place: string, position: Position): Promise<void>;
}
