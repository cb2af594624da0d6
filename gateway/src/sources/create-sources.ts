/** Makes a source and a placement for each subgraph from a supergraph and a topology. */
import { StartupError } from "@teranga/kit/process/config.ts";
import type { Placement, Topology } from "@teranga/kit/topology/topology.ts";
import { protectedFetches } from "../authorization/protected-fetches.ts";
import type { Supergraph } from "../ground/supergraph.ts";
import { PartitionSource } from "./partitions/partition-source.ts";
import { partitionedGraphs, readPartitionSpec } from "./partitions/partition-spec.ts";
import { ReplicaSource } from "./replica-source.ts";
import type { Source } from "./source.ts";

/** The source of each subgraph. @param supergraph one that keeps the partition rules (`checkGraph`) */
export function createSources(
  supergraph: Supergraph,
  placements: ReadonlyMap<string, Placement>,
): ReadonlyMap<string, Source> {
  const sources = new Map<string, Source>();
  const isProtected = protectedFetches(supergraph);
  for (const [graph, { name }] of supergraph.subgraphs) {
    if (placements.get(name)?.kind === "partitions") {
      sources.set(name, new PartitionSource(readPartitionSpec(supergraph, graph), isProtected));
    } else {
      sources.set(name, new ReplicaSource(name, supergraph.schema, isProtected));
    }
  }
  return sources;
}

/**
 * The placement of each subgraph of a supergraph.
 * @param topology overrides the supergraph's URLs; needed for a partitioned subgraph
 * @throws StartupError, one line, if the two do not fit together
 */
export function placementsOf(supergraph: Supergraph, topology: Topology | undefined): Map<string, Placement> {
  const placements = new Map<string, Placement>();
  const partitioned = new Set(partitionedGraphs(supergraph));
  for (const [graph, { name, url }] of supergraph.subgraphs) {
    const placement = topology?.placements.get(name);
    if (partitioned.has(graph) && placement?.kind !== "partitions") {
      throw new StartupError(
        `The subgraph "${name}" is partitioned: set TOPOLOGY to a file that gives its partitions`,
      );
    }
    const found = placement ?? { kind: "replicas" as const, subgraph: name, urls: [checkedUrl(name, url)] };
    placements.set(name, found);
  }
  return placements;
}

function checkedUrl(subgraph: string, url: string): string {
  if (/^https?:$/.test(URL.parse(url)?.protocol ?? "")) return url;
  throw new StartupError(`The supergraph has no http or https URL for the subgraph "${subgraph}"`);
}
