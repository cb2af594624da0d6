/** The parts of one answer with @defer, while their plans are carried out. */
import { isObject, type JsonObject } from "../../ground/answer.ts";
import { bareObject } from "../../ground/bare-object.ts";
import type { GatewayContext } from "../../sources/request-context.ts";
import { Run } from "../run.ts";
import { TooLarge } from "../shape/shape-run.ts";
import type { Step } from "../step.ts";

/** Objects and lists that the parts of one answer may copy together: as many as an answer may have. */
const COPIES_MAX = 1_000_000;

/** What is fetched for a part of an answer. */
export interface PartPlan {
  /** Undefined if the fetches of what is around it bring all of it. */
  step: Step | undefined;
  /** Whether it begins when all around it has been fetched. */
  awaitsParent: boolean;
  /** The single fetches of what is around it that must be over before it begins. */
  awaitedFetches: ReadonlySet<string>;
  /** Its own fetches that others wait for. */
  fetchIds: readonly string[];
  weight: number;
}

/** What the parts of one answer know of one another. */
export class Fetching {
  copiesLeft = COPIES_MAX;
  /** Nobody waits for the answer any more: nothing is asked that has not been asked yet. */
  isOver = false;
  readonly #gates = new Map<string, PromiseWithResolvers<void>>();

  /** Resolves when a fetch is over, whatever came of it. */
  whenOver(fetchId: string): Promise<void> {
    return this.#gate(fetchId).promise;
  }

  ended(fetchId: string): void {
    this.#gate(fetchId).resolve();
  }

  #gate(fetchId: string): PromiseWithResolvers<void> {
    const known = this.#gates.get(fetchId);
    if (known) return known;
    const gate = Promise.withResolvers<void>();
    this.#gates.set(fetchId, gate);
    return gate;
  }
}

/**
 * One part. It has data of its own, which begins as a copy of what is around it: a part may fetch again what another one has, and what it
 * gets then, perhaps nothing, must not come to stand in the others.
 */
export class PartRun extends Run {
  /** There was too much to copy: nothing is fetched for the part. */
  isTooLarge = false;
  readonly #fetching: Fetching;

  constructor(variables: JsonObject, context: GatewayContext, fetching: Fetching) {
    super(variables, context);
    this.#fetching = fetching;
    // Entities that the parent's fetches have shared are shared in the copy, too.
    this.hasShared = true;
  }

  /** Takes over what is around the part. Never throws: nobody would catch it. */
  goOnFrom({ data, lacking }: Run): void {
    const onCopy = (object: object, copy: object) => {
      if (lacking.has(object)) this.lacking.add(copy);
    };
    try {
      Object.assign(this.data, copyShared(data, this.#fetching, onCopy));
    } catch (fault) {
      this.isTooLarge = true;
      if (!(fault instanceof TooLarge)) this.addFault(fault);
    }
  }

  /** Carries out one fetch of the plan. @param id if others wait for it */
  async carryOut(id: string | undefined, fetch: () => Promise<void> | void): Promise<void> {
    if (this.#fetching.isOver) return;
    await fetch();
    if (id !== undefined) this.#fetching.ended(id);
  }

  /** Carries out the part's plan. Never rejects: a fault of ours is an error of the answer. */
  async fetchAll({ step, fetchIds }: PartPlan): Promise<void> {
    try {
      if (!this.isTooLarge) await step?.(this, [this.data]);
    } catch (fault) {
      this.addFault(fault);
    }
    // Fetches under conditions that do not hold are over, too.
    for (const id of fetchIds) this.#fetching.ended(id);
  }
}

/**
 * Copies an object; what stands in it at several places as one object does so in the copy.
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
