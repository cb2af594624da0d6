/** What a gateway has in Redis: the tier that it shares with others, and the streams of changes. */
import type { Logger } from "@teranga/kit/process/log.ts";
import type { Registry } from "@teranga/kit/process/metrics.ts";
import { closeAll } from "@teranga/kit/process/shutdown.ts";
import { RedisLink } from "@teranga/kit/redis/redis-link.ts";
import { createRedisMetrics } from "@teranga/kit/redis/redis-metrics.ts";
import type { RedisTarget } from "@teranga/kit/redis/redis-url.ts";
import type { SharedTier } from "../tier.ts";
import { ChangeStreams } from "./change-streams.ts";
import { RedisTier } from "./redis-tier.ts";
import { RefusedWrites } from "./refused-writes.ts";
import { createSharedTierMetrics } from "./shared-metrics.ts";

/** A reading of streams waits 100 ms for entries. */
const STREAM_ANSWER_MS = 1_000;

export interface SharedCache {
  tier: SharedTier;
  streams: ChangeStreams;
  /** For the gateway's health: empty if all is well. */
  notes(): string[];
  close(): Promise<void>;
}

/** Does not wait for Redis, now or ever. */
export function openSharedCache(
  target: RedisTarget,
  { registry, log }: { registry: Registry; log: Logger },
): SharedCache {
  const metrics = createRedisMetrics(registry);
  const link = new RedisLink({ target, purpose: "cache", metrics, log });
  const streamLink = new RedisLink({ target, purpose: "changes", metrics, log, answerMs: STREAM_ANSWER_MS });
  const writes = new RefusedWrites(log);
  const tier = new RedisTier({ link, writes, metrics: createSharedTierMetrics(registry) });
  const streams = new ChangeStreams({ link: streamLink, log });
  for (const each of [link, streamLink]) void each.start();
  const steps = [
    { name: "the streams of changes", close: streams.close.bind(streams) },
    { name: "Redis", close: async () => closeLinks(link, streamLink) },
  ];
  return {
    tier,
    streams,
    notes: () => [...link.notes(), ...streamLink.notes(), ...writes.notes()],
    close: () => closeAll(steps),
  };
}

function closeLinks(...links: readonly RedisLink[]): void {
  for (const link of links) link.close();
}
