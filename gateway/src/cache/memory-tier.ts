/**
 * The entries that one gateway keeps in memory, bounded in bytes. What was invalidated is not searched for:
 * an entry is compared with the history of its place when it is filled and each time it is used.
 */
import { comparePositions, type Position } from "@teranga/kit/reads/position.ts";
import { BoundedCache, SHARES } from "../ground/bounded-cache.ts";
import type { PlaceHistory } from "./place-history.ts";
import type { CacheEntry, Fill } from "./tier.ts";

/**
 * - `stale`: a change that is known may be missing in it.
 * - `older`: what is kept is newer.
 */
export type Filled = "kept" | "stale" | "older" | "too-large";

/** What an entry takes beside its texts. Measured in memory-tier.test.ts: 720 bytes, 880 with four tags. */
const ENTRY_BYTES = 700;
const TAG_BYTES = 80;

interface Kept {
  entry: CacheEntry;
  /** The number of the read that it came from (place-history.ts). */
  begun: number;
}

export interface MemoryTierOptions {
  history: PlaceHistory;
  bytesMax: number;
  /** Milliseconds since 1970. */
  nowMs: () => number;
  onEvicted?: () => void;
}

export class MemoryTier {
  readonly #history: PlaceHistory;
  readonly #kept: BoundedCache<Kept>;
  readonly #nowMs: () => number;
  readonly #bytesMax: number;

  constructor({ history, bytesMax, nowMs, onEvicted = () => {} }: MemoryTierOptions) {
    this.#history = history;
    this.#nowMs = nowMs;
    this.#bytesMax = bytesMax;
    this.#kept = new BoundedCache<Kept>({
      entriesMax: Math.ceil(bytesMax / ENTRY_BYTES),
      weightMax: bytesMax,
      weigh: (key, { entry }) => bytesOf(key, entry),
      onDropped: onEvicted,
    });
  }

  get bytes(): number {
    return this.#kept.weight;
  }

  /**
   * @param after the entry must include everything up to this position
   * @param since it must come from a read with this number or a later one
   */
  get(place: string, key: string, after: Position | undefined, since = 0): CacheEntry | undefined {
    const kept = this.#kept.find(key);
    if (!kept) return undefined;
    const { entry, begun } = kept;
    if (begun < since || this.#nowMs() >= entry.endsAtMs || this.#history.isOutdated(place, entry, begun))
      return undefined;
    if (!after) return entry;
    const includes = this.#history.includes(place, entry);
    return includes && comparePositions(includes, after) >= 0 ? entry : undefined;
  }

  /** @param begun the number of the read that it came from (place-history.ts) */
  put(place: string, { key, entry }: Fill, begun: number): Filled {
    if (entry.range) this.#history.saw(place, entry.range.upTo);
    if (this.#history.isOutdated(place, entry, begun)) return "stale";
    // A greater one would drive out a quarter of the cache.
    if (bytesOf(key, entry) > this.#bytesMax / SHARES) return "too-large";
    const kept = this.#kept.find(key);
    if (kept && this.#isOlder({ entry, begun }, kept)) return "older";
    this.#kept.put(key, { entry, begun });
    return "kept";
  }

  #isOlder(fill: Kept, kept: Kept): boolean {
    const [filled, known] = [fill.entry.range, kept.entry.range];
    if (filled && known) {
      const includes = comparePositions(filled.includes, known.includes);
      return includes < 0 || (includes === 0 && comparePositions(filled.upTo, known.upTo) < 0);
    }
    if (filled) return false;
    return known ? this.#nowMs() < kept.entry.endsAtMs : fill.begun < kept.begun;
  }
}

function bytesOf(key: string, { json, tags }: CacheEntry): number {
  // A text with any letter beyond Latin-1 takes two bytes for each.
  const isAscii = Buffer.byteLength(json) === json.length;
  return ENTRY_BYTES + 2 * key.length + (isAscii ? 1 : 2) * json.length + TAG_BYTES * tags.length;
}
