/**
 * Moments at which no client asks anything. A lease of the shared cache that is given then is given for
 * nothing: whoever took it has ended the fetch, and those who miss the key wait for him in vain.
 */
import { setTimeout as delay } from "node:timers/promises";
import { request } from "undici";
import type { ReadPromises } from "./read-promises.ts";
import type { SharedRedis } from "./shared-redis.ts";

/** A lease ends by itself after that. */
const LEASE_MS = 1_000;
/** Entries are renewed while no client waits for it. That takes less. */
const BEHIND_MS = 300;

const USED_LIMIT_MS = 10_000;
const LOOK_EVERY_MS = 100;

/** Lets clients act, and keeps them from it. */
export class Rest {
  #acting = 0;
  #over: Promise<void> | undefined;
  #onIdle = () => {};

  async act(run: () => Promise<void>): Promise<void> {
    while (this.#over) await this.#over;
    this.#acting++;
    try {
      await run();
    } finally {
      this.#acting--;
      if (this.#acting === 0) this.#onIdle();
    }
  }

  /** Runs while nobody acts. */
  async during(run: () => Promise<void>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#over = promise;
    try {
      if (this.#acting > 0) await new Promise<void>((idle) => (this.#onIdle = idle));
      await run();
    } finally {
      this.#over = undefined;
      resolve();
    }
  }
}

/**
 * Checks that no lease is given while everybody rests, once all gateways use Redis.
 * @returns false if that says nothing: a gateway could not reach Redis to give its leases back
 */
export async function checkLeases(
  rest: Rest,
  promises: ReadPromises,
  { redis, gateways }: { redis: SharedRedis; gateways: readonly string[] },
): Promise<boolean> {
  const before = await whenUsed(gateways);
  if (!before) return false;
  await delay(LEASE_MS);
  let isKnown = false;
  await rest.during(async () => {
    await delay(BEHIND_MS);
    const leases = await redis.leases();
    const after = await useOf(gateways);
    isKnown = after.isUsed && after.failed === before.failed;
    if (isKnown) promises.atRest(leases);
  });
  return isKnown;
}

/** How gateways use Redis. */
interface Use {
  isUsed: boolean;
  /**
   * The commands that were not sent, refused, or lost with their connection. Late ones do not count: they are
   * carried out, and who does not wait for a lease gives it back all the same.
   */
  failed: number;
}

/** A gateway that has lost Redis again and again tries it every second. */
async function whenUsed(gateways: readonly string[]): Promise<Use | undefined> {
  const endMs = performance.now() + USED_LIMIT_MS;
  while (performance.now() < endMs) {
    const use = await useOf(gateways);
    if (use.isUsed) return use;
    await delay(LOOK_EVERY_MS);
  }
  return undefined;
}

async function useOf(gateways: readonly string[]): Promise<Use> {
  const texts = await Promise.all(
    gateways.map(async (gateway) => (await request(new URL("/metrics", gateway))).body.text()),
  );
  const failures = texts.flatMap((text) => [
    ...text.matchAll(/^teranga_redis_commands_total\{outcome="(?!reply|late)\w+"\} (\d+)/gm),
  ]);
  return {
    isUsed: texts.every((text) => text.includes('teranga_redis_used{purpose="cache"} 1')),
    failed: failures.reduce((sum, [, count]) => sum + Number(count), 0),
  };
}
