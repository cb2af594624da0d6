/**
 * Goal: a Redis that is down, slow or full costs nothing, and what it has not heard of does no harm when it
 * is back. Method: a real server, frozen, killed and full.
 */
import { describe, expect, inject, it, onTestFinished } from "vitest";
import { startRedis, type TestRedis, until } from "../../../../kit/test/redis.ts";
import { aGateway, anEntry, at, PLACE, UNKNOWN } from "./fixture/redis-gateways.ts";

describe.skipIf(inject("redisMissing") !== null)("a Redis that fails", () => {
  it("does not outlive a change that it has not heard of, while it was away", async () => {
    const redis = await aRedis();
    const { tier, link } = await aGateway(redis, 50);
    await tier.look(PLACE, ["k"], undefined);
    await tier.put(PLACE, [{ key: "k", entry: anEntry(at(10)) }]);
    redis.freeze();
    await tier.invalidate(PLACE, ["Product:7"], at(20));
    await until("it is away", () => !link.isOpen);
    expect(await tier.look(PLACE, ["k"], undefined)).toEqual([UNKNOWN]);
    redis.thaw();
    await until("it is back", () => link.isOpen);
    expect((await tier.look(PLACE, ["k"], undefined))[0]!.kind).toBe("leased");
    await tier.put(PLACE, [{ key: "k", entry: anEntry(at(19)) }]);
    expect((await tier.look(PLACE, ["k"], undefined))[0]!.kind).toBe("leased");
  });

  it("costs nothing while it is away, and forgets nothing that it must hear of", async () => {
    const redis = await aRedis();
    const { tier, link } = await aGateway(redis, 50);
    await redis.kill();
    await until("it is away", () => !link.isOpen);
    expect(await tier.look(PLACE, ["k", "l"], undefined)).toEqual([UNKNOWN, UNKNOWN]);
    await tier.put(PLACE, [{ key: "k", entry: anEntry(at(10)) }]);
    await tier.release(PLACE, ["k"]);
    await tier.invalidate(PLACE, ["Product:7"], at(20));
    await redis.restart();
    await until("it is back", () => link.isOpen);
    expect((await tier.look(PLACE, ["k"], undefined))[0]!.kind).toBe("leased");
  });

  it("that lacks the last changes after a fail-over or a restart gives nothing that they outdate", async () => {
    const redis = await aRedis();
    const { tier, link } = await aGateway(redis);
    await tier.look(PLACE, ["k"], undefined);
    await tier.put(PLACE, [{ key: "k", entry: anEntry(at(10)) }]);
    await redis.command("SAVE");
    await tier.invalidate(PLACE, ["Product:7"], at(20));
    await redis.restart();
    await until("it is back", () => link.isOpen);
    expect(await redis.command("KEYS", "*:entry:*")).toHaveLength(1);
    expect((await tier.look(PLACE, ["k"], undefined))[0]!.kind).toBe("leased");
  });

  it.each([
    { ends: "with an entry", isFilled: true },
    { ends: "without one", isFilled: false },
  ])("that gives a lease too late gets it back when the fetch ends $ends", async ({ isFilled }) => {
    const redis = await aRedis();
    const { tier } = await aGateway(redis, 100);
    // Redis knows the script from then on.
    await tier.look(PLACE, ["another"], undefined);
    await tier.release(PLACE, ["another"]);
    redis.freeze();
    expect(await tier.look(PLACE, ["k"], undefined)).toEqual([UNKNOWN]);
    redis.thaw();
    await until(
      "the lease is given",
      async () => (await redis.command<string[]>("KEYS", "*:lease")).length > 0,
    );
    if (isFilled) await tier.put(PLACE, [{ key: "k", entry: anEntry(at(10)) }]);
    else await tier.release(PLACE, ["k"]);
    expect(await redis.command("KEYS", "*:lease")).toEqual([]);
    const [looked] = await (await aGateway(redis)).tier.look(PLACE, ["k"], undefined);
    expect(looked!.kind).toBe(isFilled ? "found" : "leased");
  });

  it("that is full answers what it has, takes nothing, and still hears of changes", async () => {
    const redis = await aRedis(["maxmemory-policy", "noeviction"]);
    const { tier, writes, fills, lines } = await aGateway(redis, 50);
    await tier.look(PLACE, ["k", "l", "m"], undefined);
    await tier.put(PLACE, [
      { key: "k", entry: anEntry(at(10)) },
      { key: "l", entry: anEntry(at(10), { tags: ["Product:8"] }) },
    ]);
    await redis.command("CONFIG", "SET", "maxmemory", "1");
    for (let i = 0; i < 3; i++) {
      await tier.put(PLACE, [{ key: "m", entry: anEntry(at(10)) }]);
      expect((await tier.look(PLACE, ["k"], undefined))[0]!.kind).toBe("found");
      expect(await tier.look(PLACE, ["m"], undefined)).toEqual([UNKNOWN]);
    }
    expect(await fills()).toEqual({ kept: 2, lost: 1 });
    expect(writes.notes()[0]).toContain("OOM");
    await tier.invalidate(PLACE, ["Product:7"], at(20));
    expect((await tier.look(PLACE, ["k"], undefined))[0]!.kind).toBe("unknown");
    await redis.command("CONFIG", "SET", "maxmemory", "0");
    expect((await tier.look(PLACE, ["k", "m"], undefined)).map(({ kind }) => kind)).toEqual([
      "leased",
      "leased",
    ]);
    await until("it takes entries again", async () => {
      await tier.look(PLACE, ["m"], undefined);
      await tier.put(PLACE, [{ key: "m", entry: anEntry(at(20)) }]);
      return writes.notes().length === 0;
    });
    expect(lines().filter((line) => line.includes("entries"))).toEqual([
      "Redis takes no entries of the cache",
      "Redis takes entries of the cache again",
    ]);
  });
});

async function aRedis(...settings: [string, ...string[]][]): Promise<TestRedis> {
  const redis = await startRedis(...settings);
  onTestFinished(redis.stop);
  return redis;
}
