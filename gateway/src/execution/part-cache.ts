/**
 * Keeps the parts of fetches (partial-fetch.ts) of one graph. If fields of an operation need k different
 * things, each under its own condition, there are 2^k parts. Kept with the operation they would have no
 * bound, and no weight would count them.
 */
import { BoundedCache } from "../ground/bounded-cache.ts";
import type { CompiledFetch } from "./step.ts";

/** Conditions and outages make only a few kinds of incomplete objects. */
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

  /** A new key prefix, unique to one fetch. */
  newFetch(): string {
    return String(this.#fetches++);
  }

  /** @param compile makes the part if it is not kept */
  get(key: string, compile: () => CompiledFetch): CompiledFetch {
    return this.#parts.get(key, compile);
  }
}
