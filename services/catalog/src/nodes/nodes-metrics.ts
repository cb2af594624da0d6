/** The metrics of a node of the catalog: what comes to it from each other one. A single catalog has none. */
import type { Sql } from "@teranga/kit/postgres/database.ts";
import { addGauge, addGauges, type Registry } from "@teranga/kit/process/metrics.ts";
import { withinMs } from "@teranga/kit/process/timer.ts";
import { countConflicts, lastOperations, secondsToResolve } from "../sql/nodes-figures.ts";
import type { NodeManager } from "./node-manager.ts";
import { type LinkStatus, statusOf } from "./status.ts";

/** A database that is away must not hold the page up. */
const LIMIT_MS = 1_000;

async function bounded<Result>(
  sql: Sql | undefined,
  read: (sql: Sql) => Promise<Result>,
): Promise<Result | undefined> {
  return sql && withinMs(LIMIT_MS, read(sql)).catch(() => undefined);
}

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
  addGauges(
    registry,
    {
      name: "teranga_catalog_link_syncs",
      help: "How often operations of that node have begun to come since the start: once, and after each cut.",
      label: "from",
    },
    () => manager?.syncs ?? [],
  );
  const sql = () => manager?.databaseOf(manager.node)?.sql;
  addGauges(
    registry,
    {
      name: "teranga_catalog_last_operation",
      help: "The number of that node's newest operation here. At the node itself: what it has sent; elsewhere: applied.",
      label: "node",
    },
    async () => (await bounded(sql(), lastOperations)) ?? [],
  );
  addGauges(
    registry,
    {
      name: "teranga_catalog_conflicts",
      help: "Conflicts, those that ended too, by field, strategy and status, as in `Product.name MANUAL OPEN`.",
      label: "kind",
    },
    async () => (await bounded(sql(), countConflicts)) ?? [],
  );
  addGauge(
    registry,
    "teranga_catalog_resolution_seconds",
    "The mean time from a conflict to a person's choice. Absent while nobody has chosen.",
    async () => (await bounded(sql(), secondsToResolve)) ?? null,
  );
  addGauge(
    registry,
    "teranga_catalog_refused_operations",
    "Operations of other nodes that are laid aside here; 1,000 at most. It should be 0.",
    () => own()?.refusedOperations ?? null,
  );
}
