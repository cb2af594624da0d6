/**
 * The parts of fetches that are kept for one graph (partial-fetch.ts). An operation's fields that require k different things, each under a
 * condition of its own, make 2^k of them: kept with the operation they would have no bound, and weigh nothing.
 */
import { BoundedCache } from "../ground/bounded-cache.ts";
import type { CompiledFetch } from "./step.ts";

/** Conditions and outages make a few sorts of incomplete objects. */
const PARTS_MAX = 1_000;

export class PartCache {
  readonly #parts: BoundedCache<CompiledFetch>;
  #fetches = 0;

  /** @param weightMax in bytes */
  constructor(weightMax: number) {
    this.#parts = new BoundedCache({
      entriesMax: PARTS_MAX,
      weightMax,
      weigh: (key, { weight }) => key.length + weight,
    });
  }

  /** A key for a fetch, unlike all others. */
  newFetch(): string {
    return String(this.#fetches++);
  }

  /** @param compile makes the part if it is not kept */
  get(key: string, compile: () => CompiledFetch): CompiledFetch {
    return this.#parts.get(key, compile);
  }
}
