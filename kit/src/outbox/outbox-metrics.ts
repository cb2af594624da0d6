/** The metrics of the outbox (docs/observability.md). */
import { Counter, Gauge } from "prom-client";
import { addGauge, type Registry } from "../process/metrics.ts";
import type { ChangeListener } from "./change.ts";

/** @param held the number of requests for changes that are held at the moment */
export function createOutboxMetrics(registry: Registry, held: () => number): ChangeListener {
  const epochs = new Counter({
    name: "teranga_outbox_epochs_total",
    help: "How often the service began to follow its outbox: once, and after each lost connection.",
    registers: [registry],
  });
  const changes = new Counter({
    name: "teranga_outbox_changes_total",
    help: "Changes that this instance has found in the outbox since it began to follow it.",
    registers: [registry],
  });
  const following = new Gauge({
    name: "teranga_outbox_following",
    help: "1 while the outbox is read; 0 while its database is away, and no gateway answers from its cache.",
    registers: [registry],
  });
  const help = "Requests for changes that are held until there are some.";
  addGauge(registry, "teranga_outbox_held_requests", help, held);
  return {
    began() {
      epochs.inc();
      following.set(1);
    },
    changed: (found) => changes.inc(found.changes.length),
    confirmed: () => {},
    ended: () => following.set(0),
  };
}
