import { type Collected, collectAll, currentCollected } from "@teranga/kit/reads/collected-positions.ts";

interface SharedCall {
  answer: Promise<unknown>;
  collected: readonly Collected[];
}

/**
 * Gives one answer to calls that ask for the same thing at the same time.
 *
 * A client that tries again while its first try is under way would otherwise compete with itself for the last
 * pieces, and could be told OutOfStock about a placed order. Only the commit point makes a key safe: this
 * class reaches no further than this process.
 */
export class SharedCalls {
  /** One entry for each request under way. */
  readonly #underWay = new Map<string, SharedCall>();

  /**
   * Returns the answer of the call under way with this name, or starts one.
   * @param name the operation and everything that makes two calls of it the same
   */
  run<Result>(
    name: readonly [operation: string, ...rest: string[]],
    begin: () => Promise<Result>,
  ): Promise<Result> {
    const collected = currentCollected();
    // A call for nobody who asked for positions collects none.
    const key = JSON.stringify([...name, collected.length > 0]);
    const earlier = this.#underWay.get(key);
    // All calls of one operation have results of one type.
    if (earlier) {
      const share = () => {
        for (const into of collected) for (const from of earlier.collected) collectAll(into, from);
      };
      return earlier.answer.finally(share) as Promise<Result>;
    }
    const answer = begin().finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, { answer, collected });
    return answer;
  }
}
