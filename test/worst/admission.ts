/**
 * Runs the gateway's work on a request before its first fetch in this process, and measures the CPU time of
 * all threads.
 */

import { createCostModel } from "@teranga/gateway/door/cost.ts";
import { DEFAULT_LIMITS } from "@teranga/gateway/ground/limits.ts";
import { readSupergraph } from "@teranga/gateway/ground/supergraph.ts";
import { Graph } from "@teranga/gateway/planning/graph.ts";
import { createSources } from "@teranga/gateway/sources/create-sources.ts";
import { clientTerms, problemsOf } from "@teranga/gateway/validation/validation.ts";
import { type GraphQLSchema, getOperationAST, parse } from "graphql";
import type { CpuMsOf } from "./search.ts";

const TERMS = clientTerms({ limits: DEFAULT_LIMITS, hidesSchema: true });

export function createAdmission(supergraphSdl: string): { schema: GraphQLSchema; cpuMsOf: CpuMsOf } {
  const supergraph = readSupergraph(supergraphSdl);
  const graph = new Graph(supergraph, createSources(supergraph, new Map()));
  const costs = createCostModel(supergraph);
  const admit = async (query: string): Promise<void> => {
    const document = parse(query, { maxTokens: DEFAULT_LIMITS.tokensMax });
    const [error] = problemsOf(graph.apiSchema, document, TERMS);
    if (error) throw error;
    const operation = getOperationAST(document)!;
    const cost = costs.costOf({ document, operation }, () => 14);
    if (cost > DEFAULT_LIMITS.costMax) throw new Error("too dear");
    await graph.operation({ document, operationName: undefined, variables: {} });
  };
  return {
    schema: graph.apiSchema,
    async cpuMsOf(query) {
      const before = process.cpuUsage();
      try {
        await admit(query);
      } catch {
        return undefined;
      }
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1_000;
    },
  };
}
