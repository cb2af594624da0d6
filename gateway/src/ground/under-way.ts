/** What is being made and will be known: who asks for it meanwhile waits for the same. */
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
