/** The compiled form of a plan: a function for each of its nodes. */
import type { JsonObject } from "../ground/answer.ts";
import type { Run } from "./run.ts";

/** Carries out a node of a plan for the objects at the plan's path. */
export type Step = (run: Run, sites: readonly JsonObject[]) => Promise<void> | void;

export interface CompiledFetch {
  /** Undefined if nothing can be asked. */
  step: Step | undefined;
  /** The bytes that it keeps, approximately. */
  weight: number;
}
