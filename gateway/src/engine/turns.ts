/**
 * Work that keeps the processor busy, one piece at a time. Between two pieces whatever else has come has its turn: 50 clients whose
 * operations take 100 ms to plan each would else hold up everybody's small requests for 5 s.
 */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Does the work when all that came before is done. */
  async next<Result>(work: () => Result): Promise<Result> {
    const turn = this.#last.then(nextTick).then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

/** After the connections have been looked at. */
const nextTick = () => new Promise<void>((resolve) => setImmediate(resolve));
