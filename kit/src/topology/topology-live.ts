/** A topology that is replaced while the program runs, for those who were given it once and go by it for as long as they live. */
import { type PartitionPlacement, partitionsOf, type Topology } from "./topology.ts";

export interface LiveTopology {
  /** Always what was set last. */
  topology: Topology;
  set(topology: Topology): void;
}

export function createLiveTopology(first: Topology): LiveTopology {
  let current = first;
  return {
    topology: {
      get placements() {
        return current.placements;
      },
    },
    set(topology) {
      current = topology;
    },
  };
}

/**
 * The placement of a partitioned subgraph, each property as it is when it is read. A copy (`{ ...placement }`) stays as it is: for a
 * request, whose partitions must not change between two of its steps.
 * @throws StartupError if the topology has none of that name, now or when a property is read
 */
export function livePartitionsOf(topology: Topology, subgraph: string): PartitionPlacement {
  const now = () => partitionsOf(topology, subgraph);
  now();
  return {
    kind: "partitions",
    subgraph,
    get partitions() {
      return now().partitions;
    },
    get partitionOf() {
      return now().partitionOf;
    },
  };
}
