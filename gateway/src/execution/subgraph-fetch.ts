/** A request to a subgraph as a plan describes it, wherever it stands in the plan. */
import type { JsonObject } from "../ground/answer.ts";
import type { PreparedFetch } from "../sources/fetch.ts";
import type { Rewrite } from "./rewrites.ts";
import type { Run } from "./run.ts";

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

/** The operation name that the subgraph is told, so that its logs show whose fetch it is. */
export function nameOf({ nameEnd }: SubgraphFetch, { context }: Run): string | undefined {
  const name = context.record.operation?.name;
  return name === undefined ? undefined : name + nameEnd;
}

/** The client's variables that the fetch uses. */
export function variablesOf({ variableNames }: SubgraphFetch, { variables }: Run): JsonObject {
  const picked: JsonObject = {};
  for (const name of variableNames) {
    if (Object.hasOwn(variables, name) && variables[name] !== undefined) picked[name] = variables[name];
  }
  return picked;
}
