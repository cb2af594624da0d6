/** The compiled form of a plan: a function for each of its nodes. */
import type { JsonObject } from "../ground/answer.ts";
import type { PreparedFetch } from "../sources/source.ts";
import type { Rewrite } from "./rewrites.ts";
import type { Run } from "./run.ts";

/** Carries out a node of a plan for the objects at the plan's path. */
export type Step = (run: Run, sites: readonly JsonObject[]) => Promise<void> | void;

export interface CompiledFetch {
  /** Undefined if nothing can be asked. */
  step: Step | undefined;
  /** The bytes that it keeps, approximately. */
  weight: number;
}

/** A request to a subgraph as a plan describes it, wherever it stands in the plan. */
export interface SubgraphFetch {
  subgraph: string;
  /** Follows the client's operation name in the fetch's name, as in Apollo's gateways: `__catalog__0`. */
  nameEnd: string;
  prepared: PreparedFetch;
  variableNames: readonly string[];
  rewriteOutput: Rewrite | undefined;
  /** The names of the supergraph's interfaces. */
  abstractTypes: ReadonlySet<string>;
}
