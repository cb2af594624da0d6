/** What a gateway does with a request before it asks anybody, in this process, and the CPU time that this takes. */

import { Graph } from "@teranga/gateway/engine/graph.ts";
import { readSupergraph } from "@teranga/gateway/graph/supergraph.ts";
import { createSources } from "@teranga/gateway/sources/create-sources.ts";
import { createCostModel } from "@teranga/gateway/surface/cost.ts";
import { createSizeRule, DEFAULT_LIMITS } from "@teranga/gateway/surface/limits.ts";
import { type GraphQLSchema, getOperationAST, parse, specifiedRules, validate } from "graphql";

const RULES = [...specifiedRules, createSizeRule(DEFAULT_LIMITS)];

export interface Admission {
  schema: GraphQLSchema;
  /** Undefined if the request is refused. */
  cpuMsOf(query: string): number | undefined;
}

export function createAdmission(supergraphSdl: string): Admission {
  const supergraph = readSupergraph(supergraphSdl);
  const graph = new Graph(supergraph, createSources(supergraph, new Map(), {}));
  const costs = createCostModel(supergraph);
  const admit = (query: string): void => {
    const document = parse(query, { maxTokens: DEFAULT_LIMITS.tokensMax });
    const [error] = validate(graph.apiSchema, document, RULES);
    if (error) throw error;
    const operation = getOperationAST(document)!;
    const cost = costs.costOf({ document, operation }, () => 14);
    if (cost > DEFAULT_LIMITS.costMax) throw new Error("too dear");
    graph.operation({ document, operationName: undefined, key: query, variables: {} });
  };
  return {
    schema: graph.apiSchema,
    cpuMsOf(query) {
      const before = process.cpuUsage();
      try {
        admit(query);
      } catch {
        return undefined;
      }
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1_000;
    },
  };
}
