/**
 * Carries out the plans of the parts of one answer with @defer. Each part has its own run and its own data,
 * which begins as a copy of its parent's. A part may fetch again what another part has, and the result,
 * perhaps null, must not change the other parts.
 */
import { bareObject, isObject, type JsonObject } from "../../ground/answer.ts";
import type { PartPlan } from "../part.ts";
import type { Run } from "../run.ts";
import { TooLarge } from "../shape/shape-run.ts";
import type { Fetching } from "./fetching.ts";

/** Copies the parent's data. Never throws, since no caller would catch it. */
export function goOnFrom(parent: Run, run: Run, fetching: Fetching): void {
  const onCopy = (object: object, copy: object) => {
    if (parent.lacking.has(object)) run.lacking.add(copy);
  };
  try {
    Object.assign(run.data, copyShared(parent.data, fetching, onCopy));
  } catch (fault) {
    run.isTooLarge = true;
    if (!(fault instanceof TooLarge)) run.addFault(fault);
  }
}

/** Carries out a part's plan. Never rejects: our own fault becomes an error of the answer. */
export async function fetchAll({ step, fetchIds }: PartPlan, run: Run, fetching: Fetching): Promise<void> {
  try {
    if (!run.isTooLarge) await step?.(run, [run.data]);
  } catch (fault) {
    run.addFault(fault);
  }
  // Fetches whose conditions do not hold are over as well.
  for (const id of fetchIds) fetching.ended(id);
}

/**
 * Copies an object. An object that stands at several places is one object in the copy as well.
 * @throws TooLarge
 */
export function copyShared(
  object: JsonObject,
  budget: Pick<Fetching, "copiesLeft">,
  onCopy?: (object: object, copy: object) => void,
): JsonObject {
  const copies = new Map<object, unknown>();
  const copy = (value: unknown): unknown => {
    if (!Array.isArray(value) && !isObject(value)) return value;
    const known = copies.get(value);
    if (known !== undefined) return known;
    if (--budget.copiesLeft < 0) throw new TooLarge();
    const made: unknown[] | JsonObject = Array.isArray(value) ? [] : bareObject();
    copies.set(value, made);
    onCopy?.(value, made);
    if (Array.isArray(value)) for (const element of value) (made as unknown[]).push(copy(element));
    else for (const name of Object.keys(value)) (made as JsonObject)[name] = copy(value[name]);
    return made;
  };
  return copy(object) as JsonObject;
}
