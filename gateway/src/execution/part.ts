/**
 * An operation's answer has a primary part and one part for each deferred fragment. Nearly every operation
 * has the primary part alone.
 */
import type { DeferredFragment } from "./defer/defer-split.ts";
import type { Shapes } from "./shape/shapes.ts";
import type { Step } from "./step.ts";

/** A part of an operation, compiled. */
export interface CompiledPart {
  /** Undefined for the primary part. */
  fragment: DeferredFragment | undefined;
  /** The type of the object that it selects from, for an object without `__typename`. */
  typeName: string;
  /** Undefined if no service needs to be asked. */
  plan: PartPlan | undefined;
  shapes: Shapes;
}

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
  /** The bytes that it keeps, approximately. */
  weight: number;
}
