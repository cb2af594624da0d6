/** What a service with an outbox has of Redis: the stream to which it appends its changes. */
import type { ChangeListener } from "../outbox/change.ts";
import type { Logger } from "../process/log.ts";
import type { Registry } from "../process/metrics.ts";
import { streamChanges } from "./change-stream.ts";
import { RedisLink } from "./redis-link.ts";
import { createRedisMetrics } from "./redis-metrics.ts";
import type { RedisTarget } from "./redis-url.ts";

/**
 * No request waits for it. With the 5 ms of the cache a busy machine lost the connection again and again, and
 * each change meanwhile was missing in the stream.
 */
const ANSWER_MS = 1_000;

export interface OpenChangeStream {
  /** For the outbox. */
  listeners: readonly ChangeListener[];
  /** For the service's health: empty if all is well. */
  notes(): string[];
  close(): void;
}

/** Does not wait for Redis, now or ever. @param target undefined without Redis: then nobody listens */
export function openChangeStream(
  target: RedisTarget | undefined,
  place: string,
  { registry, log }: { registry: Registry; log: Logger },
): OpenChangeStream {
  if (!target) return { listeners: [], notes: () => [], close: () => {} };
  const metrics = createRedisMetrics(registry);
  const link = new RedisLink({ target, purpose: "changes", metrics, log, answerMs: ANSWER_MS });
  void link.start();
  return {
    listeners: [streamChanges(link, place, () => performance.now())],
    notes: () => link.notes(),
    close: () => link.close(),
  };
}
