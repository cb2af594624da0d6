/**
 * Bounds the label values that clients choose. Each value is a time series that a metric keeps for good, so a
 * metric takes a limited number of them.
 */

const LENGTH_MAX = 64;
/** How often a value must be seen before it takes a place, once the first `atOnceMax` places are taken. */
const SEEN_MIN = 20;
/** How many values are counted at a time while they have no place yet. */
const CANDIDATES_MAX = 1_000;

/** GraphQL names have no parentheses, so no name can be mistaken for these. */
export const UNNAMED = "(unnamed)";
export const OTHER = "(other)";

export interface LabelTerms {
  valuesMax: number;
  /** The complete list of values, if it is known. */
  known?: Iterable<string> | undefined;
  /**
   * This many values get a place when they first appear. Later ones must be frequent first, so that names
   * used once leave room. The default is `valuesMax`.
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

  /** Lowers every count by one and drops those that reach zero: frequent values survive (Misra and Gries). */
  #forget(): void {
    for (const [value, seen] of this.#candidates) {
      if (seen > 1) this.#candidates.set(value, seen - 1);
      else this.#candidates.delete(value);
    }
  }
}
