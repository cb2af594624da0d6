/** Who plans operations and carries them out: our engine, or stock `@apollo/gateway` (docs/engines.md). */
import type { Supergraph } from "../ground/supergraph.ts";
import type { Engine } from "../planning/engine.ts";
import { Graph, type GraphTerms } from "../planning/graph.ts";
import type { Source } from "../sources/source.ts";

export const ENGINE_NAMES = ["teranga", "apollo"] as const;
export type EngineName = (typeof ENGINE_NAMES)[number];

/**
 * Makes an engine for a supergraph and its sources, by subgraph.
 * @throws StartupError, one line, if the engine does not take the supergraph
 */
export type MakeEngine = (
  supergraph: Supergraph,
  sources: ReadonlyMap<string, Source>,
) => Engine | Promise<Engine>;

export function engineMaker(name: EngineName, terms: GraphTerms): MakeEngine {
  switch (name) {
    case "teranga":
      return (supergraph, sources) => new Graph(supergraph, sources, terms);
    case "apollo":
      return async (supergraph, sources) => {
        // The library takes half a second to load.
        const { ApolloEngine } = await import("../apollo/apollo-engine.ts");
        return ApolloEngine.start(supergraph, sources, terms);
      };
    default:
      return name satisfies never;
  }
}
