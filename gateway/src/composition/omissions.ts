/**
 * What a graph leaves out because not every partition can answer it, with the reason, for the log and for
 * operators.
 */

/** An omitted element: `Client.nickname`, because `dakar does not have it`. */
export interface Omission {
  what: string;
  because: string;
}

/** A topology may have a thousand partitions. A sentence names this many. */
const NAMED_MAX = 3;

/** The first reason that was found for each element. */
export class Omissions {
  readonly #reasons = new Map<string, string>();

  add(what: string, because: string): void {
    if (!this.#reasons.has(what)) this.#reasons.set(what, because);
  }

  list(): Omission[] {
    return Array.from(this.#reasons, ([what, because]) => ({ what, because }));
  }
}

/** `dakar does not have it`, `dakar and thies do not have it`. */
export function lackedBy(partitions: readonly string[]): string {
  return `${enumerated(partitions)} ${partitions.length === 1 ? "does" : "do"} not have it`;
}

/** `it is Int in dakar, String in thies and mbour`. */
export function differsIn(sides: readonly { value: string; partitions: readonly string[] }[]): string {
  const byValue = Map.groupBy(sides, ({ value }) => value);
  const parts = Array.from(
    byValue,
    ([value, same]) => `${value} in ${enumerated(same.flatMap(({ partitions }) => partitions))}`,
  );
  const more = parts.length > NAMED_MAX ? [`something else in others`] : [];
  return `it is ${[...parts.slice(0, NAMED_MAX), ...more].join(", ")}`;
}

function enumerated(names: readonly string[]): string {
  if (names.length > NAMED_MAX) {
    return `${names.slice(0, NAMED_MAX).join(", ")} and ${names.length - NAMED_MAX} more`;
  }
  return [names.slice(0, -1).join(", "), ...names.slice(-1)].filter(Boolean).join(" and ");
}
