/** What can happen to the Redis of a run. */
import type { TestRedis } from "../../kit/test/redis.ts";
import type { Fault, FaultMeans } from "./fault.ts";
import type { SharedRedis } from "./shared-redis.ts";

/** Rare: a gateway that has lost Redis a few times tries it again after a second, and shares nothing then. */
const WEIGHT = 1;
/** Some end before sentinels act, which takes 400 ms; others after. */
const AWAY_MS = { least: 20, most: 2_000 };

export function redisFaults(redis: SharedRedis, { random, delay }: FaultMeans): Fault[] {
  const awhile = () => delay(random.between(AWAY_MS.least, AWAY_MS.most));
  const fault = (name: string, hurt: (server: TestRedis) => Promise<unknown>): Fault => ({
    name,
    weight: WEIGHT,
    async happen() {
      await hurt(await redis.primary());
      await redis.settled();
    },
  });
  const { failOver } = redis;
  return [
    fault("Redis stops and starts again, empty", async (server) => {
      await server.kill();
      await awhile();
      await server.restart();
    }),
    fault("Redis hangs", async (server) => {
      server.freeze();
      await awhile();
      server.thaw();
    }),
    fault("Redis forgets everything", (server) => server.command("FLUSHALL")),
    fault("Redis is full", async (server) => {
      await server.command("CONFIG", "SET", "maxmemory", "1");
      await awhile();
      await server.command("CONFIG", "SET", "maxmemory", "0");
    }),
    fault("connections to Redis break", (server) => server.command("CLIENT", "KILL", "TYPE", "normal")),
    ...(failOver ? [fault("Redis fails over", failOver)] : []),
  ];
}
