/** What a plan is compiled to: a function for each of its nodes. */
import type { JsonObject } from "../ground/answer.ts";
import type { Run } from "./run.ts";

/** Does its part of a plan for the objects that the plan's path has led to. */
export type Step = (run: Run, sites: readonly JsonObject[]) => Promise<void> | void;

export interface CompiledFetch {
  /** Undefined if nothing can be asked. */
  step: Step | undefined;
  /** About how many bytes it keeps. */
  weight: number;
}
