/**
 * Calls that ask for the same thing at the same time, answered together.
 *
 * A client that tries again while its first try is under way would otherwise compete with itself for the last pieces, and could be
 * told OutOfStock of an order that is placed. What makes a key safe is the commit point and not this: it reaches no further than
 * this process.
 */
export class SharedCalls {
  /** As many as there are requests under way. */
  readonly #underWay = new Map<string, Promise<unknown>>();

  /**
   * The answer of the call under this name that is under way, or of a new one.
   * @param name the operation and all that makes two calls of it the same
   */
  run<Result>(
    name: readonly [operation: string, ...rest: string[]],
    begin: () => Promise<Result>,
  ): Promise<Result> {
    const key = JSON.stringify(name);
    const earlier = this.#underWay.get(key);
    // Calls of one operation have results of one type.
    if (earlier) return earlier as Promise<Result>;
    const call = begin().finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, call);
    return call;
  }
}
