/** What the runs of all parts of one answer share while they fetch. */
import type { Holding } from "../../ground/answer-room.ts";

/** The objects and lists that all parts of one answer together may copy: as many as one answer may have. */
const COPIES_MAX = 1_000_000;

export class Fetching {
  copiesLeft = COPIES_MAX;
  readonly #gates = new Map<string, PromiseWithResolvers<void>>();
  readonly #holding: Holding | undefined;
  #isEnded = false;

  constructor(holding?: Holding) {
    this.#holding = holding;
  }

  /**
   * No client waits for the answer any more, so no further fetch starts. The holding ends as soon as the
   * client has gone. Whoever takes the parts may be waiting for one then, and hears of it only when that is
   * complete.
   */
  get isOver(): boolean {
    return this.#isEnded || this.#holding?.isOver === true;
  }

  end(): void {
    this.#isEnded = true;
  }

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
