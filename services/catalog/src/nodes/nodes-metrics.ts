/** The metrics of a node of the catalog: what comes to it from each other one. A single catalog has none. */
import { addGauge, addGauges, type Registry } from "@teranga/kit/process/metrics.ts";
import type { NodeManager } from "./node-manager.ts";
import { type LinkStatus, statusOf } from "./status.ts";

export function addNodesMetrics(registry: Registry, manager: NodeManager | undefined): void {
  const own = () =>
    manager?.state && statusOf(manager.node, manager.names, manager.state).find(({ answers }) => answers);
  const add = (name: string, help: string, measure: (link: LinkStatus) => number | null) =>
    addGauges(registry, { name, help, label: "from" }, () =>
      (own()?.links ?? []).flatMap((link) => {
        const value = measure(link);
        return value === null ? [] : [[link.from, value] as const];
      }),
    );
  add(
    "teranga_catalog_link_up",
    "1 while operations come from that node of the catalog, else 0.",
    ({ state }) => (state === "STREAMING" ? 1 : 0),
  );
  add(
    "teranga_catalog_link_lag_bytes",
    "The log of that node that this one has not confirmed yet. Absent while that is not known.",
    ({ lagBytes }) => lagBytes,
  );
  add(
    "teranga_catalog_link_lag_seconds",
    "How much older what has come from that node is than what it has, to a second. Absent while that is not known.",
    ({ lagMs }) => (lagMs === null ? null : lagMs / 1_000),
  );
  addGauge(
    registry,
    "teranga_catalog_refused_operations",
    "Operations of other nodes that are laid aside here; 1,000 at most. It should be 0.",
    () => own()?.refusedOperations ?? null,
  );
}
