/**
 * Work that keeps a processor busy, one piece at a time, the smallest first: a small operation must not wait for 50 that take 100 ms each.
 */
import { codedError, ERROR_CODES } from "@teranga/kit/errors.ts";

/** Ten seconds of the largest operations: who waits longer is near the end of its time anyway. */
const WAITING_MAX = 64;

interface Piece {
  size: number;
  /** Never rejects. */
  run(): Promise<void>;
  refuse(error: Error): void;
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
   * @throws GraphQLError if too much is waiting that is smaller
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
      this.#waiting.splice(at < 0 ? this.#waiting.length : at, 0, { size, run, refuse: reject });
      if (!this.#isBusy) void this.#go();
      else if (this.#waiting.length > WAITING_MAX) this.#waiting.pop()!.refuse(overloaded());
    });
  }

  async #go(): Promise<void> {
    this.#isBusy = true;
    for (let piece = this.#waiting.shift(); piece; piece = this.#waiting.shift()) {
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

function overloaded(): Error {
  const http = { status: 503, headers: new Map([["retry-after", "1"]]) };
  return codedError("OVERLOADED", ERROR_CODES.OVERLOADED, { http });
}
