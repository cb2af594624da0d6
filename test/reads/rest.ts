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
 * Checks that no lease is given while everybody rests.
 * @returns false if that says nothing: a gateway could not reach Redis just before, to give its leases back
 */
export async function checkLeases(
  rest: Rest,
  promises: ReadPromises,
  { redis, gateways }: { redis: SharedRedis; gateways: readonly string[] },
): Promise<boolean> {
  const before = await Promise.all(gateways.map(failedCommands));
  await delay(LEASE_MS);
  let isKnown = false;
  await rest.during(async () => {
    await delay(BEHIND_MS);
    const leases = await redis.leases();
    const after = await Promise.all(gateways.map(failedCommands));
    isKnown = after.every((failed, index) => failed === before[index]);
    if (isKnown) promises.atRest(leases);
  });
  return isKnown;
}

/** The commands to Redis that a gateway gave up, or did not send. */
async function failedCommands(gateway: string): Promise<number> {
  const { body } = await request(new URL("/metrics", gateway));
  const lines = (await body.text()).matchAll(
    /^teranga_redis_commands_total\{outcome="(?!reply)\w+"\} (\d+)/gm,
  );
  return Array.from(lines, ([, count]) => Number(count)).reduce((sum, count) => sum + count, 0);
}
