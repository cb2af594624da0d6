/** Estimates that are added and multiplied while an operation is compiled: numbers as long as they can be. */

/** What the estimates of one request depend on. */
export interface Given {
  /** With the operation's defaults filled in. */
  variables: Record<string, unknown>;
  partitionsOf: PartitionsOf;
}

/** How many partitions a subgraph has now. */
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

/** Zero times anything is zero. An overflow makes the other factor Infinity, and 0 × Infinity would be NaN. */
function product(count: number, each: number): number {
  return count === 0 || each === 0 ? 0 : count * each;
}
