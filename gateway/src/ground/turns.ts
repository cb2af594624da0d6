/**
 * Does processor-heavy work one piece at a time, the smallest first: a small operation must not wait for 50
 * that take 100 ms each.
 */
import { overloaded } from "./overloaded.ts";

/** Ten seconds of the largest operations. A request that waits longer has little of its time left anyway. */
const WAITING_MAX = 64;

/**
 * The longest wait of a piece that others overtake. With an endless supply of small pieces, a large one would
 * be neither done nor refused.
 */
const PATIENCE_MS = 10_000;

interface Piece {
  size: number;
  /** Never rejects. */
  run(): Promise<void>;
  refuse(error: Error): void;
  patience?: NodeJS.Timeout;
}

/** Waits after a piece of work that took `tookMs`. */
export type Rest = (tookMs: number) => Promise<void>;

export class Turns {
  readonly #rest: Rest;
  /** The smallest first; among equals, the one that came first. */
  readonly #waiting: Piece[] = [];
  #isBusy = false;

  constructor(rest: Rest) {
    this.#rest = rest;
  }

  /**
   * Does the work, at once if no other work is running.
   * @throws GraphQLError if too many smaller pieces wait, or others went first for too long
   */
  next<Result>(size: number, work: () => Result | Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      const run = async () => {
        try {
          resolve(await work());
        } catch (error) {
          reject(error);
        }
      };
      const at = this.#waiting.findIndex((other) => other.size > size);
      const piece: Piece = { size, run, refuse: reject };
      this.#waiting.splice(at < 0 ? this.#waiting.length : at, 0, piece);
      if (!this.#isBusy) {
        void this.#go();
        return;
      }
      piece.patience = setTimeout(() => this.#refuse(piece), PATIENCE_MS).unref();
      if (this.#waiting.length > WAITING_MAX) this.#refuse(this.#waiting.at(-1)!);
    });
  }

  #refuse(piece: Piece): void {
    clearTimeout(piece.patience);
    this.#waiting.splice(this.#waiting.indexOf(piece), 1);
    piece.refuse(overloaded());
  }

  async #go(): Promise<void> {
    this.#isBusy = true;
    for (let piece = this.#waiting.shift(); piece; piece = this.#waiting.shift()) {
      clearTimeout(piece.patience);
      const startMs = performance.now();
      await piece.run();
      // Pieces that arrive from now on run in another turn of the event loop.
      await this.#rest(this.#waiting.length > 0 ? performance.now() - startMs : 0);
    }
    this.#isBusy = false;
  }
}

/** After shorter pieces, one turn of the event loop is enough. */
const SHORT_MS = 2;

/**
 * Leaves half of the time to other work. The event loop accepts one new connection in a turn, and each needs
 * a few turns.
 */
export const halfTheTime: Rest = (tookMs) =>
  new Promise((resolve) => {
    if (tookMs < SHORT_MS) setImmediate(resolve);
    else setTimeout(resolve, tookMs);
  });

/** The work on the thread that answers requests. */
export const onThisThread = new Turns(halfTheTime);
