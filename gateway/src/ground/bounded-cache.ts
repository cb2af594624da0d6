/**
 * A cache with a bounded size that no client can empty. A new entry passes through a quarter of it, `recent`.
 * From there it moves to the rest, `proven`, if there is room, or if it was used more often than all entries
 * that would have to leave for it. With a single least-recently-used list, five operations of 10,000 tokens
 * drove out a thousand others. The libraries for Node have the single list (`lru-cache`), or count entries
 * where these weigh (`transitory`).
 */
import { hash } from "node:crypto";

export interface BoundedCacheOptions<Value> {
  entriesMax: number;
  /**
   * An entry's weight, approximately in bytes. Clients choose what is kept, so a bound on the count alone
   * bounds nothing.
   */
  weigh: (key: string, value: Value) => number;
  /** At least `SHARES` times the greatest weight of an entry, so that every entry is kept for a while. */
  weightMax: number;
}

/** New entries get one of this many shares of a cache. */
export const SHARES = 4;
/** Uses are counted over the last 4 to 8 look-ups for each entry that the cache can hold. */
const USES_PER_ENTRY = 4;

interface Entry<Value> {
  value: Value;
  weight: number;
}

export class BoundedCache<Value> {
  readonly #weigh: BoundedCacheOptions<Value>["weigh"];
  readonly #recent: Segment<Value>;
  readonly #proven: Segment<Value>;
  readonly #uses: Uses;

  constructor({ entriesMax, weightMax, weigh }: BoundedCacheOptions<Value>) {
    this.#weigh = weigh;
    const recent = { entriesMax: Math.ceil(entriesMax / SHARES), weightMax: weightMax / SHARES };
    this.#recent = new Segment(recent.entriesMax, recent.weightMax);
    this.#proven = new Segment(entriesMax - recent.entriesMax, weightMax - recent.weightMax);
    this.#uses = new Uses(USES_PER_ENTRY * entriesMax);
  }

  get size(): number {
    return this.#recent.size + this.#proven.size;
  }

  /** The value of a key. It is made if it is not there. */
  get(key: string, make: () => Value): Value {
    const found = this.find(key);
    if (found !== undefined) return found;
    const value = make();
    this.put(key, value);
    return value;
  }

  find(key: string): Value | undefined {
    this.#uses.add(key);
    return (this.#proven.use(key) ?? this.#recent.use(key))?.value;
  }

  put(key: string, value: Value): void {
    const entry = { value, weight: this.#weigh(key, value) };
    // The entry may have grown, so it must prove itself again.
    this.delete(key);
    if (!this.#recent.canHold(entry)) {
      this.#prove(key, entry);
      return;
    }
    this.#recent.put(key, entry);
    while (this.#recent.isFull()) {
      const oldest = this.#recent.oldest()!;
      this.#recent.delete(oldest.key);
      this.#prove(oldest.key, oldest.entry);
    }
  }

  delete(key: string): void {
    this.#recent.delete(key);
    this.#proven.delete(key);
  }

  /** Moves an entry to the proven ones, or drops it. */
  #prove(key: string, entry: Entry<Value>): void {
    if (!this.#proven.canHold(entry)) return;
    let usesLeft = this.#uses.of(key);
    const leaving: string[] = [];
    for (const other of this.#proven.leavingFor(entry)) {
      usesLeft -= this.#uses.of(other);
      if (usesLeft <= 0) return;
      leaving.push(other);
    }
    for (const other of leaving) this.#proven.delete(other);
    this.#proven.put(key, entry);
  }
}

/** Entries in the order of their last use. */
class Segment<Value> {
  readonly #entries = new Map<string, Entry<Value>>();
  readonly #entriesMax: number;
  readonly #weightMax: number;
  #weight = 0;

  constructor(entriesMax: number, weightMax: number) {
    this.#entriesMax = entriesMax;
    this.#weightMax = weightMax;
  }

  get size(): number {
    return this.#entries.size;
  }

  use(key: string): Entry<Value> | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    // A Map keeps the order of insertion, so inserting an entry again makes it the newest.
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry;
  }

  put(key: string, entry: Entry<Value>): void {
    this.#entries.set(key, entry);
    this.#weight += entry.weight;
  }

  delete(key: string): void {
    this.#weight -= this.#entries.get(key)?.weight ?? 0;
    this.#entries.delete(key);
  }

  canHold({ weight }: Entry<Value>): boolean {
    return weight <= this.#weightMax && this.#entriesMax > 0;
  }

  isFull(): boolean {
    return this.#entries.size > this.#entriesMax || this.#weight > this.#weightMax;
  }

  oldest(): { key: string; entry: Entry<Value> } | undefined {
    for (const [key, entry] of this.#entries) return { key, entry };
    return undefined;
  }

  /** The entries that must leave to make room for another, the oldest first. */
  *leavingFor({ weight }: Entry<Value>): Generator<string> {
    let entriesOver = this.#entries.size + 1 - this.#entriesMax;
    let weightOver = this.#weight + weight - this.#weightMax;
    for (const [key, other] of this.#entries) {
      if (entriesOver <= 0 && weightOver <= 0) return;
      entriesOver--;
      weightOver -= other.weight;
      yield key;
    }
  }
}

/** Longer keys are counted by their digest. Keys that contain a SHA-256 digest in hexadecimal are shorter. */
const COUNTED_LENGTH_MAX = 128;

/**
 * Counts the recent uses of keys, also of keys that are not kept. Their weight is not counted, so only a
 * short form of each key is stored: 5,000 keys of 1 MB from one client kept 5 GB.
 */
class Uses {
  readonly #countMax: number;
  #current = new Map<string, number>();
  #before = new Map<string, number>();
  #count = 0;

  /** @param countMax after this many uses, the counts of the uses before the last `countMax` are dropped */
  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  add(key: string): void {
    if (++this.#count > this.#countMax) {
      this.#before = this.#current;
      this.#current = new Map();
      this.#count = 1;
    }
    const counted = countedKey(key);
    this.#current.set(counted, (this.#current.get(counted) ?? 0) + 1);
  }

  of(key: string): number {
    const counted = countedKey(key);
    return (this.#current.get(counted) ?? 0) + (this.#before.get(counted) ?? 0);
  }
}

function countedKey(key: string): string {
  return key.length > COUNTED_LENGTH_MAX ? hash("sha256", key, "base64") : key;
}
