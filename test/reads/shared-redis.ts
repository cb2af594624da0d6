/** The Redis of a run: one server, or a primary with a replica and three sentinels. */
import type { RedisTarget } from "@teranga/kit/redis/redis-url.ts";
import { startRedis, startSentinelTrio, type TestRedis } from "../../kit/test/redis.ts";

export type RedisKind = "none" | "one" | "sentinels";

export interface SharedRedis {
  target: RedisTarget;
  /** The server that takes writes. */
  primary(): Promise<TestRedis>;
  /** Makes another server the primary, as an operator does. Undefined without sentinels. */
  failOver: (() => Promise<void>) | undefined;
  /** Waits until all is as at first. */
  settled(): Promise<void>;
  /** The leases for fetches that are given at the moment. */
  leases(): Promise<readonly string[]>;
  stop(): Promise<void>;
}

export async function startSharedRedis(kind: RedisKind): Promise<SharedRedis | undefined> {
  switch (kind) {
    case "none":
      return undefined;
    case "one": {
      const redis = await startRedis();
      const { target, stop } = redis;
      const primary = async () => redis;
      return {
        target,
        primary,
        failOver: undefined,
        settled: async () => {},
        leases: leasesOf(primary),
        stop,
      };
    }
    case "sentinels": {
      const { target, servers, primaryPort, failOver, settled, stop } = await startSentinelTrio();
      const primary = async () => {
        const port = await primaryPort();
        return servers.find((server) => server.port === port)!;
      };
      return { target, primary, failOver, settled, leases: leasesOf(primary), stop };
    }
    default:
      return kind satisfies never;
  }
}

const leasesOf = (primary: SharedRedis["primary"]) => async (): Promise<readonly string[]> =>
  (await primary()).command<string[]>("KEYS", "teranga:*:lease");
