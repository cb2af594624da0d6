/** Carries out the plans of the parts of one answer with @defer. */
import { isObject, type JsonObject } from "../../ground/answer.ts";
import { bareObject } from "../../ground/bare-object.ts";
import type { GatewayContext } from "../../sources/request-context.ts";
import { Run } from "../run.ts";
import { TooLarge } from "../shape/shape-run.ts";
import type { Step } from "../step.ts";

/** The objects and lists that all parts of one answer together may copy: as many as one answer may have. */
const COPIES_MAX = 1_000_000;

/** The fetches of one part of an answer. */
export interface PartPlan {
  /** Undefined if the parent's fetches bring everything. */
  step: Step | undefined;
  /** Whether it begins only when the parent has been fetched completely. */
  awaitsParent: boolean;
  /** The parent's fetches that must be over before it begins. */
  awaitedFetches: ReadonlySet<string>;
  /** Its own fetches that other parts wait for. */
  fetchIds: readonly string[];
  weight: number;
}

/** The state that the parts of one answer share. */
export class Fetching {
  copiesLeft = COPIES_MAX;
  /** No client waits for the answer any more, so no further fetch starts. */
  isOver = false;
  readonly #gates = new Map<string, PromiseWithResolvers<void>>();

  /** Resolves when a fetch is over, whether it succeeded or failed. */
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
 * One part of an answer. It has its own data, which begins as a copy of its parent's. A part may fetch again
 * what another part has, and the result, perhaps null, must not change the other parts.
 */
export class PartRun extends Run {
  /** There was too much to copy, so nothing is fetched for the part. */
  isTooLarge = false;
  readonly #fetching: Fetching;

  constructor(variables: JsonObject, context: GatewayContext, fetching: Fetching) {
    super(variables, context);
    this.#fetching = fetching;
    // Objects that the parent's data shares are shared in the copy as well.
    this.hasShared = true;
  }

  /** Copies the parent's data. Never throws, since no caller would catch it. */
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

  /** Carries out one fetch of the plan. @param id set if other parts wait for the fetch */
  async carryOut(id: string | undefined, fetch: () => Promise<void> | void): Promise<void> {
    if (this.#fetching.isOver) return;
    await fetch();
    if (id !== undefined) this.#fetching.ended(id);
  }

  /** Carries out the part's plan. Never rejects: our own fault becomes an error of the answer. */
  async fetchAll({ step, fetchIds }: PartPlan): Promise<void> {
    try {
      if (!this.isTooLarge) await step?.(this, [this.data]);
    } catch (fault) {
      this.addFault(fault);
    }
    // Fetches whose conditions do not hold are over as well.
    for (const id of fetchIds) this.#fetching.ended(id);
  }
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
