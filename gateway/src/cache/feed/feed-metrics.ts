/** The metrics of the feed of changes (docs/observability.md). */
import type { Registry } from "@teranga/kit/process/metrics.ts";
import { Counter } from "prom-client";
import type { FeedEvent } from "./place-follower.ts";

export function createFeedMetrics(registry: Registry): (event: FeedEvent) => void {
  const events = new Counter({
    name: "teranga_cache_feed_events_total",
    help: "What services told of changes, by event: `change`, `gap` (some may be missed: the place is dropped), `failure` (no answer).",
    labelNames: ["event"],
    registers: [registry],
  });
  return (event) => events.inc({ event });
}
