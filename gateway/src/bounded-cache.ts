/** A cache that never grows beyond its size: what was not used for the longest time goes first. */
export class BoundedCache<Value> {
  readonly #entries = new Map<string, Value>();
  readonly #sizeMax: number;

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
  }

  /** The value of a key, made if it is not there. */
  get(key: string, make: () => Value): Value {
    const found = this.#entries.get(key);
    const value = found ?? make();
    // A Map keeps the order of insertion: putting an entry in again makes it the newest.
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size > this.#sizeMax) this.#entries.delete(this.#entries.keys().next().value!);
    return value;
  }
}
