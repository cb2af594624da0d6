/** How a program stands to its topology file: whether it goes by what the file says, and if not, why. For health, metrics and people. */
import { Gauge } from "prom-client";
import type { Registry } from "./metrics.ts";

export interface TopologyStanding {
  /** Why the file's topology is not taken; undefined if it is. */
  fault: string | undefined;
  /** The same as a note of the program's health. */
  notes(): string[];
}

export function createTopologyStanding(registry: Registry): TopologyStanding {
  const standing: TopologyStanding = {
    fault: undefined,
    notes: () => (standing.fault === undefined ? [] : [`${standing.fault}; the topology stays as it was`]),
  };
  new Gauge({
    name: "teranga_topology_refused",
    help: "1 while the topology of the file is not taken, because it is broken or a city refuses it or does not answer; else 0.",
    registers: [registry],
    collect() {
      this.set(standing.fault === undefined ? 0 : 1);
    },
  });
  return standing;
}
