/** Values that are being made. A second caller for the same key waits for the first one's value. */
export class UnderWay<Value> {
  readonly #begun = new Map<string, Promise<Value>>();

  get(key: string, make: () => Promise<Value>): Promise<Value> {
    const known = this.#begun.get(key);
    if (known) return known;
    const begun = make().finally(() => this.#begun.delete(key));
    this.#begun.set(key, begun);
    return begun;
  }
}
