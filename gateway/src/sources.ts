/** Chooses the data source of each subgraph by its placement. */
import type { GraphQLDataSource } from "@apollo/gateway";
import { StartupError } from "@teranga/kit/config.ts";
import type { Topology } from "@teranga/kit/topology.ts";
import { brokenPartitionRules } from "./partition-rules.ts";
import { PartitionSource } from "./partition-source.ts";
import { partitionedGraphs, readPartitionSpec } from "./partition-spec.ts";
import { ReplicaSource } from "./replica-source.ts";
import type { GatewayContext } from "./request-context.ts";
import type { SourceDependencies } from "./source.ts";
import type { Supergraph } from "./supergraph.ts";

/**
 * @param topology overrides the supergraph's URLs; needed for a partitioned subgraph
 * @throws StartupError with one line if the supergraph and the topology do not fit together
 */
export function createSources(
  supergraph: Supergraph,
  topology: Topology | undefined,
  dependencies: SourceDependencies,
): ReadonlyMap<string, GraphQLDataSource<GatewayContext>> {
  const sources = new Map<string, GraphQLDataSource<GatewayContext>>();
  const partitioned = new Set(partitionedGraphs(supergraph));
  for (const [graph, { name, url }] of supergraph.subgraphs) {
    const placement = topology?.placements.get(name);
    if (placement?.kind === "partitions") {
      const broken = brokenPartitionRules(supergraph, graph);
      if (broken.length > 0) throw new StartupError(broken.join("; "));
      sources.set(name, new PartitionSource(placement, readPartitionSpec(supergraph, graph), dependencies));
    } else if (partitioned.has(graph)) {
      throw new StartupError(
        `The subgraph "${name}" is partitioned: set TOPOLOGY to a file that gives its partitions`,
      );
    } else {
      const urls = placement?.urls ?? [checkedUrl(name, url)];
      sources.set(name, new ReplicaSource(name, urls, supergraph.schema, dependencies));
    }
  }
  return sources;
}

function checkedUrl(subgraph: string, url: string): string {
  if (/^https?:$/.test(URL.parse(url)?.protocol ?? "")) return url;
  throw new StartupError(`The supergraph has no http or https URL for the subgraph "${subgraph}"`);
}
