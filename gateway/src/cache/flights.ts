/** Fetches that are under way to fill the cache: whoever misses the same key waits for the one that is. */

import type { StartTimer } from "@teranga/kit/process/timer.ts";
import { comparePositions, type Position } from "@teranga/kit/reads/position.ts";

/** Misses beyond these are fetched each by itself. */
const FLIGHTS_MAX = 10_000;

export interface Flight {
  /** What it asked for must include everything up to this position. */
  after: Position | undefined;
  /** The number of the read (place-history.ts). */
  begun: number;
  over: Promise<void>;
}

export class Flights {
  readonly #startTimer: StartTimer;
  readonly #byKey = new Map<string, Flight>();

  constructor(startTimer: StartTimer) {
    this.#startTimer = startTimer;
  }

  has(key: string): boolean {
    return this.#byKey.has(key);
  }

  /** The fetch under way whose answer will include a position. */
  find(key: string, after: Position | undefined): Flight | undefined {
    const flight = this.#byKey.get(key);
    if (!flight || !after) return flight;
    return flight.after && comparePositions(flight.after, after) >= 0 ? flight : undefined;
  }

  /** The function that it returns must be called when the entries are filled, or cannot be. */
  begin(keys: readonly string[], { after, begun }: Omit<Flight, "over">): () => void {
    const { promise: over, resolve } = Promise.withResolvers<void>();
    const flight = { after, begun, over };
    for (const key of keys) {
      if (this.#byKey.size < FLIGHTS_MAX || this.#byKey.has(key)) this.#byKey.set(key, flight);
    }
    return () => {
      for (const key of keys) if (this.#byKey.get(key) === flight) this.#byKey.delete(key);
      resolve();
    };
  }

  /** Waits until all are over, but no longer than told. */
  wait(flights: Iterable<Flight>, ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#startTimer(Math.max(1, ms), resolve);
      void Promise.all(Array.from(flights, ({ over }) => over)).then(() => {
        cancel();
        resolve();
      });
    });
  }
}
