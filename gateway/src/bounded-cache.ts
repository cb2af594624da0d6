export interface BoundedCacheOptions<Value> {
  entriesMax: number;
  /** What one entry costs, in about bytes. Clients choose what is kept, so a count alone bounds nothing. */
  weigh: (key: string, value: Value) => number;
  weightMax: number;
  /** A heavier entry is not kept at all: one client's giant must not drive out everybody's entries. */
  entryWeightMax: number;
}

/** A cache that never grows beyond its size: what was not used for the longest time goes first. */
export class BoundedCache<Value> {
  readonly #entries = new Map<string, { value: Value; weight: number }>();
  readonly #options: BoundedCacheOptions<Value>;
  #weight = 0;

  constructor(options: BoundedCacheOptions<Value>) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The value of a key, made if it is not there. */
  get(key: string, make: () => Value): Value {
    const found = this.find(key);
    if (found !== undefined) return found;
    const value = make();
    this.put(key, value);
    return value;
  }

  find(key: string): Value | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    // A Map keeps the order of insertion: putting an entry in again makes it the newest.
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.value;
  }

  put(key: string, value: Value): void {
    const { entriesMax, weightMax, entryWeightMax, weigh } = this.#options;
    this.delete(key);
    const weight = weigh(key, value);
    if (weight > entryWeightMax) return;
    this.#entries.set(key, { value, weight });
    this.#weight += weight;
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= entriesMax && this.#weight <= weightMax) break;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    this.#weight -= this.#entries.get(key)?.weight ?? 0;
    this.#entries.delete(key);
  }
}
