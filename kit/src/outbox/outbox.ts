/** The outbox of a service's database: its files, its tail, and the route by which gateways follow it. */
import { randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import type { FastifyInstance } from "fastify";
import type { Logger } from "../process/log.ts";
import type { Registry } from "../process/metrics.ts";
import type { ChangeListener } from "./change.ts";
import { addChangesRoute } from "./changes-route.ts";
import { createOutboxMetrics } from "./outbox-metrics.ts";
import { RecentChanges } from "./recent-changes.ts";
import { startTail } from "./tail.ts";

/** The folder of functions that a database with an outbox needs, before those that follow its tables. */
export const OUTBOX_FUNCTIONS = fileURLToPath(new URL("sql", import.meta.url));

export interface OutboxOptions {
  /** The URL of the database that takes writes at the moment. */
  primaryUrl: () => string | Promise<string>;
  /** Shown in pg_stat_activity. */
  applicationName: string;
  /** Who else hears of the changes. */
  listeners?: readonly ChangeListener[];
  log: Logger;
  registry: Registry;
}

export interface Outbox {
  /** Serves the changes to callers with the service credential. */
  addRoute(app: FastifyInstance): void;
  close(): Promise<void>;
}

/** Begins to follow the outbox. While its database is away it is tried again, and callers are told so. */
export function startOutbox({ listeners = [], registry, ...options }: OutboxOptions): Outbox {
  const nowMs = () => performance.now();
  const recent = new RecentChanges(nowMs);
  let held = () => 0;
  const metrics = createOutboxMetrics(registry, () => held());
  const tail = startTail({
    ...options,
    listeners: [recent, metrics, ...listeners],
    newId: randomUUID,
    nowMs,
  });
  return {
    addRoute(app) {
      held = addChangesRoute(app, { recent, nowMs });
    },
    close: tail.close,
  };
}
