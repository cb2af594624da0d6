/** What asks a subgraph one thing, wherever in a plan. */
import type { JsonObject } from "../answer.ts";
import type { PreparedFetch } from "../sources/fetch.ts";
import type { Rewrite } from "./rewrites.ts";
import type { Run } from "./run.ts";

export interface SubgraphFetch {
  subgraph: string;
  prepared: PreparedFetch;
  variableNames: readonly string[];
  rewriteOutput: Rewrite | undefined;
  /** The supergraph's interfaces. */
  abstractTypes: ReadonlySet<string>;
}

/** Those variables of the client that a fetch mentions. */
export function variablesOf({ variableNames }: SubgraphFetch, { variables }: Run): JsonObject {
  const picked: JsonObject = {};
  for (const name of variableNames) {
    if (Object.hasOwn(variables, name) && variables[name] !== undefined) picked[name] = variables[name];
  }
  return picked;
}
