/** Requirements as logic: alternatives (OR) of names that are all needed (AND). */
import type { Requirement } from "@teranga/kit/identity/requirement.ts";

export type Alternatives = readonly (readonly string[])[];

/** Combined requirements beyond these are not compared: whoever asks takes the stricter side. */
const COMBINED_MAX = 256;

/** The alternatives that meet all of these, whatever their order. Undefined if they are too many. */
export function combined(all: readonly Alternatives[]): string[][] | undefined {
  if (all.length === 1) return all[0]!.map((names) => [...names]);
  let together: string[][] = [[]];
  for (const alternatives of all) {
    const product = together.flatMap((one) => alternatives.map((other) => [...new Set([...one, ...other])]));
    if (product.length > COMBINED_MAX) return undefined;
    together = withoutStricter(product);
  }
  return together.map((names) => names.sort()).sort((a, b) => (a.join() < b.join() ? -1 : 1));
}

/** Whoever has `a` alone needs no other alternative `a` and `b`. */
function withoutStricter(alternatives: readonly string[][]): string[][] {
  return alternatives.filter(
    (one, index) =>
      !alternatives.some(
        (other, at) => at !== index && includes(one, other) && (at < index || !includes(other, one)),
      ),
  );
}

/** Whether everybody who meets all of `given` meets `wanted` too. False if that is too long to find out. */
export function imply(given: readonly Requirement[], wanted: Requirement): boolean {
  const same = given.filter(({ directive }) => directive === wanted.directive);
  if (wanted.directive === "authenticated") return same.length > 0;
  const met = combined(same.flatMap((each) => ("anyOf" in each ? [each.anyOf] : [])));
  return met?.every((one) => wanted.anyOf.some((other) => includes(one, other))) ?? false;
}

const includes = (one: readonly string[], other: readonly string[]): boolean =>
  other.every((name) => one.includes(name));
