/**
 * Work that keeps a processor busy, one piece at a time, the smallest first: a small operation must not wait for 50 that take 100 ms each.
 */
import { overloaded } from "./overloaded.ts";

/** Ten seconds of the largest operations: who waits longer is near the end of its time anyway. */
const WAITING_MAX = 64;

/** A piece is overtaken for so long: beside small ones without end a large one would never be done, nor refused. */
const PATIENCE_MS = 10_000;

interface Piece {
  size: number;
  /** Never rejects. */
  run(): Promise<void>;
  refuse(error: Error): void;
  patience?: NodeJS.Timeout;
}

/** What there is to wait after a piece that took so long. */
export type Rest = (tookMs: number) => Promise<void>;

export class Turns {
  readonly #rest: Rest;
  /** The smallest first; of equal ones those that came first. */
  readonly #waiting: Piece[] = [];
  #isBusy = false;

  constructor(rest: Rest) {
    this.#rest = rest;
  }

  /**
   * Does the work, at once if there is no other.
   * @throws GraphQLError if too much is waiting that is smaller, or went before for too long
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
      // Who comes only now comes in another turn.
      await this.#rest(this.#waiting.length > 0 ? performance.now() - startMs : 0);
    }
    this.#isBusy = false;
  }
}

/** After shorter pieces one turn is enough. */
const SHORT_MS = 2;

/** Half of the time belongs to others: one new connection is accepted in a turn of the event loop, and each waits for a few turns. */
export const halfTheTime: Rest = (tookMs) =>
  new Promise((resolve) => {
    if (tookMs < SHORT_MS) setImmediate(resolve);
    else setTimeout(resolve, tookMs);
  });

/** What is done on the thread that answers requests. */
export const onThisThread = new Turns(halfTheTime);
