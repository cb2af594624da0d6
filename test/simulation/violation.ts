/** A promise of the protocol that a run has broken. */
export class Violation extends Error {
  override name = "Violation";
}

/** @throws Violation if the promise does not hold */
export function promise(holds: boolean, what: () => string): asserts holds {
  if (!holds) throw new Violation(what());
}
