/** What asks a subgraph one thing, wherever in a plan. */
import type { JsonObject } from "../ground/answer.ts";
import type { PreparedFetch } from "../sources/fetch.ts";
import type { Rewrite } from "./rewrites.ts";
import type { Run } from "./run.ts";

export interface SubgraphFetch {
  subgraph: string;
  /** What its name has after that of the client's operation, as Apollo's gateways have it: `__catalog__0`. */
  nameEnd: string;
  prepared: PreparedFetch;
  variableNames: readonly string[];
  rewriteOutput: Rewrite | undefined;
  /** The supergraph's interfaces. */
  abstractTypes: ReadonlySet<string>;
}

/** What the subgraph is told that it is called: its logs then say whose it is. */
export function nameOf({ nameEnd }: SubgraphFetch, { context }: Run): string | undefined {
  const name = context.record.operation?.name;
  return name === undefined ? undefined : name + nameEnd;
}

/** Those variables of the client that a fetch mentions. */
export function variablesOf({ variableNames }: SubgraphFetch, { variables }: Run): JsonObject {
  const picked: JsonObject = {};
  for (const name of variableNames) {
    if (Object.hasOwn(variables, name) && variables[name] !== undefined) picked[name] = variables[name];
  }
  return picked;
}
