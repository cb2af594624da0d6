/** What the runs of all parts of one answer share while they fetch. */

/** The objects and lists that all parts of one answer together may copy: as many as one answer may have. */
const COPIES_MAX = 1_000_000;

export class Fetching {
  copiesLeft = COPIES_MAX;
  /** No client waits for the answer any more, so no further fetch starts. */
  isOver = false;
  readonly #gates = new Map<string, PromiseWithResolvers<void>>();

  /** Resolves when a fetch is over, whether it succeeded or failed. */
  whenOver(fetchId: string): Promise<void> {
    return this.#gate(fetchId).promise;
  }

  ended(fetchId: string): void {
    this.#gate(fetchId).resolve();
  }

  #gate(fetchId: string): PromiseWithResolvers<void> {
    const known = this.#gates.get(fetchId);
    if (known) return known;
    const gate = Promise.withResolvers<void>();
    this.#gates.set(fetchId, gate);
    return gate;
  }
}
