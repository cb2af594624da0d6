/** Whether a program goes by its topology file, and if not, why. For health, metrics and people. */
import { addGauge, type Registry } from "../process/metrics.ts";

export interface TopologyStanding {
  /**
   * Why the file's topology is not taken, or should not have been, and the
   * consequence; undefined if all is well.
   */
  fault: string | undefined;
  /** The fault as a note of the program's health. */
  notes(): string[];
}

export function createTopologyStanding(registry: Registry): TopologyStanding {
  const standing: TopologyStanding = {
    fault: undefined,
    notes: () => (standing.fault === undefined ? [] : [standing.fault]),
  };
  addGauge(
    registry,
    "teranga_topology_refused",
    "1 while the topology of the file is not taken, because it is broken or a partition refuses it or does not answer, or was started with though a partition refuses it; else 0.",
    () => (standing.fault === undefined ? 0 : 1),
  );
  return standing;
}
