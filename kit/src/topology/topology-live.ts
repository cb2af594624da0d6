/**
 * A topology that is replaced while the program runs, for code that receives it once and uses
 * it as long as the program runs.
 */
import { type PartitionPlacement, partitionsOf, type Topology } from "./topology.ts";

export interface LiveTopology {
  /** The topology that was set last. */
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
 * The placement of a partitioned subgraph. Each property has its present value when it is read. A
 * copy (`{ ...placement }`) does not change: a request makes one, because the partitions must not
 * change between two of its steps.
 * @throws StartupError if the topology has no such subgraph, now or when a property is read
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
