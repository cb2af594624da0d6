/**
 * The entities and answers that a gateway keeps, as long as their services allow (decision 037): in memory,
 * and in the tier that all gateways share, if there is one.
 */
import { type StartTimer, startRealTimer } from "@teranga/kit/process/timer.ts";
import type { Position } from "@teranga/kit/reads/position.ts";
import type { PositionRange } from "@teranga/kit/reads/read-headers.ts";
import { LRUCache } from "lru-cache";
import type { CacheMetrics } from "./cache-metrics.ts";
import { Flights } from "./flights.ts";
import { type Filled, MemoryTier } from "./memory-tier.ts";
import { PlaceHistory } from "./place-history.ts";
import type { CacheEntry, Fill, Invalidation, SharedTier } from "./tier.ts";

/** What does not exist may be created at any moment. */
const NOTHING_MS_MAX = 5_000;
/** An entry is fetched anew in the last fifth of its time, if it is used then. */
const REFRESH_AT = 0.8;
/** Entries that were filled together end apart, by up to this share of their time. */
const JITTER = 0.1;
/** A text of 300 characters takes about 100 bytes, as its digest. */
const TEXTS_MAX = 20_000;
const REFRESHES_MAX = 32;

/** Whether all changes of a place are heard of at the moment. */
export interface ChangesHeard {
  mayServe(place: string): boolean;
  /** Something of the place is kept. */
  follow(place: string): void;
}

export interface EntityCacheOptions {
  bytesMax: number;
  metrics: CacheMetrics;
  shared?: SharedTier | undefined;
  changes?: ChangesHeard | undefined;
  /** Milliseconds since 1970; the system's by default. */
  nowMs?: () => number;
  /** A number in [0, 1), for the jitter. */
  random?: () => number;
  startTimer?: StartTimer;
}

/** What was read, and what its service says of keeping it. */
export interface Readings {
  place: string;
  /** The number of the read (place-history.ts). */
  begun: number;
  range: PositionRange | undefined;
  others?: string | undefined;
  maxAgeMs: number;
  parts: readonly { key: string; tags: readonly string[]; json: string; isNothing: boolean }[];
}

export class EntityCache implements Invalidation {
  readonly history = new PlaceHistory();
  readonly flights: Flights;
  readonly shared: SharedTier | undefined;
  readonly #memory: MemoryTier;
  readonly #options: Required<Pick<EntityCacheOptions, "nowMs" | "random">>;
  readonly #metrics: CacheMetrics;
  /** Whether the last whole answer to a text might be kept. */
  readonly #keepable = new LRUCache<string, boolean>({ max: TEXTS_MAX });
  readonly #refreshes = new Set<Promise<void>>();
  readonly #changes: ChangesHeard | undefined;

  constructor(options: EntityCacheOptions) {
    const { bytesMax, metrics, shared, changes } = options;
    const { nowMs = Date.now, random = Math.random, startTimer = startRealTimer } = options;
    this.#options = { nowMs, random };
    this.#metrics = metrics;
    this.#changes = changes;
    this.shared = shared;
    this.flights = new Flights(startTimer);
    this.#memory = new MemoryTier({ history: this.history, bytesMax, nowMs, onEvicted: metrics.evicted });
    metrics.measure(() => this.#memory.bytes);
  }

  invalidate(place: string, tags: readonly string[], position: Position): void {
    this.history.invalidate(place, tags, position);
    void this.shared?.invalidate(place, tags, position);
  }

  dropPlace(place: string, position: Position): void {
    this.history.dropPlace(place, position);
    void this.shared?.dropPlace(place, position);
  }

  confirm(place: string, position: Position): void {
    this.history.confirm(place, position);
  }

  /** A client of this gateway has changed something, and need not send a session token to see it. */
  wrote(place: string): void {
    this.history.wrote(place);
  }

  /** Undefined if no answer to the text was seen so far. */
  isKeepable(textKey: string): boolean | undefined {
    return this.#keepable.get(textKey);
  }

  learn(textKey: string, isKeepable: boolean): void {
    this.#keepable.set(textKey, isKeepable);
  }

  /** Whether what is kept of a place may be used at the moment. */
  mayServe(place: string): boolean {
    return this.#changes?.mayServe(place) ?? true;
  }

  /**
   * @param after the entry must include everything up to this position
   * @param since it must come from a read with this number or a later one
   */
  find(place: string, key: string, after: Position | undefined, since?: number): CacheEntry | undefined {
    return this.#memory.get(place, key, after, since);
  }

  isToRefresh({ refreshAtMs }: CacheEntry): boolean {
    return this.#options.nowMs() >= refreshAtMs;
  }

  /** Keeps what was read, in both tiers. */
  keep({ place, begun, range, others, maxAgeMs, parts }: Readings): void {
    this.#changes?.follow(place);
    const fills = parts.map(({ key, tags, json, isNothing }): Fill => {
      const lifeMs = isNothing ? Math.min(maxAgeMs, NOTHING_MS_MAX) : maxAgeMs;
      return { key, entry: { json, range, others, tags, ...this.#times(lifeMs) } };
    });
    for (const fill of fills) this.take(place, fill, begun);
    void this.shared?.put(place, fills);
  }

  /** Keeps one entry in memory. */
  take(place: string, fill: Fill, begun: number): Filled {
    const outcome = this.#memory.put(place, fill, begun);
    this.#metrics.filled(outcome);
    return outcome;
  }

  looked(hits: number, misses: number): void {
    this.#metrics.looked(hits, misses);
  }

  /** Runs a fetch that no client waits for, if there are not too many. @param fetch never rejects */
  refresh(fetch: () => Promise<void>): void {
    if (this.#refreshes.size >= REFRESHES_MAX) return;
    this.#metrics.refreshed();
    const refresh = fetch().finally(() => this.#refreshes.delete(refresh));
    this.#refreshes.add(refresh);
  }

  /** Waits for the fetches that no client waits for. */
  async close(): Promise<void> {
    await Promise.all(this.#refreshes);
  }

  #times(lifeMs: number): Pick<CacheEntry, "refreshAtMs" | "endsAtMs"> {
    const { nowMs, random } = this.#options;
    const ownMs = lifeMs * (1 - JITTER * random());
    return { refreshAtMs: nowMs() + REFRESH_AT * ownMs, endsAtMs: nowMs() + ownMs };
  }
}
