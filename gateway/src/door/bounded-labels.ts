/**
 * Label values that clients choose, of which a metric must not have more than so many: each is a time series
 * for good.
 */

const LENGTH_MAX = 64;
/** How often a value has to come before it takes one of the places that are not for the first comers. */
const SEEN_MIN = 20;
/** Values that are counted for that at a time. */
const CANDIDATES_MAX = 1_000;

/** No GraphQL name has parentheses, so these cannot be mistaken for one. */
export const UNNAMED = "(unnamed)";
export const OTHER = "(other)";

export interface LabelTerms {
  valuesMax: number;
  /** The only values there are, if that is known. */
  known?: Iterable<string> | undefined;
  /**
   * As many are taken at once, the others once they have come often: names that nobody uses twice leave room.
   * All by default.
   */
  atOnceMax?: number;
}

export class BoundedLabels {
  readonly #known: Set<string>;
  readonly #isClosed: boolean;
  readonly #valuesMax: number;
  readonly #atOnceMax: number;
  readonly #candidates = new Map<string, number>();

  constructor({ valuesMax, known, atOnceMax = valuesMax }: LabelTerms) {
    this.#known = new Set(known);
    this.#isClosed = known !== undefined;
    this.#valuesMax = valuesMax;
    this.#atOnceMax = atOnceMax;
  }

  of(value: string | undefined): string {
    if (value === undefined || value === "") return UNNAMED;
    if (this.#known.has(value)) return value;
    if (this.#isClosed || value.length > LENGTH_MAX || this.#known.size >= this.#valuesMax) return OTHER;
    if (this.#known.size >= this.#atOnceMax && !this.#isFrequent(value)) return OTHER;
    this.#known.add(value);
    return value;
  }

  #isFrequent(value: string): boolean {
    const seen = (this.#candidates.get(value) ?? 0) + 1;
    this.#candidates.set(value, seen);
    if (this.#candidates.size > CANDIDATES_MAX) this.#forget();
    if (seen < SEEN_MIN) return false;
    this.#candidates.delete(value);
    return true;
  }

  /** What comes again and again outlives this (Misra and Gries). */
  #forget(): void {
    for (const [value, seen] of this.#candidates) {
      if (seen > 1) this.#candidates.set(value, seen - 1);
      else this.#candidates.delete(value);
    }
  }
}
