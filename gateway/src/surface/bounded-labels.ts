/** Label values that clients choose, of which a metric must not have more than so many: each is a time series for good. */

const LENGTH_MAX = 64;

/** No GraphQL name has parentheses, so these cannot be mistaken for one. */
export const UNNAMED = "(unnamed)";
export const OTHER = "(other)";

export class BoundedLabels {
  readonly #known: Set<string>;
  readonly #isClosed: boolean;
  readonly #valuesMax: number;

  /** @param known the only values there are, if that is known; otherwise the first so many that come */
  constructor(valuesMax: number, known?: Iterable<string>) {
    this.#known = new Set(known);
    this.#isClosed = known !== undefined;
    this.#valuesMax = valuesMax;
  }

  of(value: string | undefined): string {
    if (value === undefined || value === "") return UNNAMED;
    if (this.#known.has(value)) return value;
    if (this.#isClosed || value.length > LENGTH_MAX || this.#known.size >= this.#valuesMax) return OTHER;
    this.#known.add(value);
    return value;
  }
}
