/**
 * Adds and multiplies estimates while an operation is compiled. They stay plain numbers as long as possible.
 */

/** What the estimates of one request depend on. */
export interface Given {
  /** The request's variables, with the operation's defaults filled in. */
  variables: Record<string, unknown>;
  partitionsOf: PartitionsOf;
}

/** The current number of partitions of a subgraph. */
export type PartitionsOf = (subgraph: string) => number | undefined;

export type Estimate = number | ((given: Given) => number);

export function estimated(estimate: Estimate, given: Given): number {
  return typeof estimate === "number" ? estimate : estimate(given);
}

export function sum(estimates: readonly Estimate[]): Estimate {
  let fixed = 0;
  const open: ((given: Given) => number)[] = [];
  for (const estimate of estimates) {
    if (typeof estimate === "number") fixed += estimate;
    else open.push(estimate);
  }
  if (open.length === 0) return fixed;
  return (given) => open.reduce((total, estimate) => total + estimate(given), fixed);
}

export function times(count: Estimate, each: Estimate): Estimate {
  if (typeof count === "number" && typeof each === "number") return product(count, each);
  return (given) => product(estimated(count, given), estimated(each, given));
}

/**
 * Zero times anything is zero. An overflow makes the other factor Infinity, and 0 × Infinity would be NaN.
 */
function product(count: number, each: number): number {
  return count === 0 || each === 0 ? 0 : count * each;
}
