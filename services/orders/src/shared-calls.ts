/**
 * Calls that ask for the same thing at the same time, answered together.
 *
 * A client that tries again while its first try is under way would otherwise compete with itself for the last pieces, and could be
 * told OutOfStock of an order that is placed. What makes a key safe is the commit point and not this: it reaches no further than
 * this process.
 */
export class SharedCalls<Result> {
  /** As many as there are requests under way. */
  readonly #underWay = new Map<string, Promise<Result>>();

  /** The answer of the call under this name that is under way, or of a new one. */
  run(name: string, begin: () => Promise<Result>): Promise<Result> {
    const earlier = this.#underWay.get(name);
    if (earlier) return earlier;
    const call = begin().finally(() => this.#underWay.delete(name));
    this.#underWay.set(name, call);
    return call;
  }
}
