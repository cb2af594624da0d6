/**
 * The entity cache of a gateway with all that it hears and shares: the changes that services tell, and Redis.
 */
import { createChangesClient } from "@teranga/kit/outbox/changes-client.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import type { Registry } from "@teranga/kit/process/metrics.ts";
import { closeAll } from "@teranga/kit/process/shutdown.ts";
import type { RedisTarget } from "@teranga/kit/redis/redis-url.ts";
import type { Topology } from "@teranga/kit/topology/topology.ts";
import { createCacheMetrics } from "./cache-metrics.ts";
import { type ChangesHeard, EntityCache } from "./entity-cache.ts";
import { ChangeFeed } from "./feed/change-feed.ts";
import { createFeedMetrics } from "./feed/feed-metrics.ts";
import { openSharedCache } from "./shared/shared-cache.ts";

export interface CacheOptions {
  bytesMax: number;
  /** What gateways share the cache by. Without it each keeps its own. */
  redis: RedisTarget | undefined;
  /** The credential that services ask for when they tell changes. */
  credential: string | undefined;
  registry: Registry;
  log: Logger;
}

export interface OpenCache {
  cache: EntityCache;
  /** Places that leave the topology are followed no longer. */
  setTopology(topology: Topology | undefined): void;
  /** For the gateway's health: empty if all is well. */
  notes(): string[];
  close(): Promise<void>;
}

export function openCache({ bytesMax, redis, credential, registry, log }: CacheOptions): OpenCache {
  const shared = redis && openSharedCache(redis, { registry, log });
  const client = createChangesClient(credential);
  const changes: ChangesHeard = {
    mayServe: (place) => feed.mayServe(place),
    follow: (place) => feed.follow(place),
  };
  const metrics = createCacheMetrics(registry);
  const cache = new EntityCache({ bytesMax, metrics, shared: shared?.tier, changes });
  const feed = new ChangeFeed({
    get: client.get,
    streams: shared?.streams,
    cache,
    log,
    nowMs: () => performance.now(),
    onEvent: createFeedMetrics(registry),
  });
  const steps = [
    { name: "the cache", close: () => cache.close() },
    { name: "the feed of changes", close: () => feed.close() },
    { name: "the connections for changes", close: client.close },
    { name: "Redis", close: async () => shared?.close() },
  ];
  return {
    cache,
    setTopology: (topology) => feed.setTopology(topology),
    notes: () => shared?.notes() ?? [],
    close: () => closeAll(steps),
  };
}
