/**
 * Goal: several gateways share what they fetched, one fetches for all, and none gets what a change that Redis
 * heard of may have outdated, whatever Redis forgets. Method: tiers of several gateways on a real server.
 */
import { type StartTimer, startRealTimer } from "@teranga/kit/process/timer.ts";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import { startRedis, type TestRedis, until } from "../../../../kit/test/redis.ts";
import { type CacheEntry, ENTRY_VERSION } from "../tier.ts";
import { aGateway, anEntry, at, jsonOf, LEASED, PLACE, UNKNOWN } from "./fixture/redis-gateways.ts";

const PREFIX = `teranga:${ENTRY_VERSION}:`;
const HISTORY = `${PREFIX}place:${PLACE}`;

describe.skipIf(inject("redisMissing") !== null)("the tier that gateways share", () => {
  let redis: TestRedis;
  beforeAll(async () => {
    redis = await startRedis(["maxmemory-policy", "noeviction"]);
  });
  afterAll(() => redis.stop());
  beforeEach(() => redis.command("FLUSHALL"));
  const leases = async () => (await redis.command<string[]>("KEYS", "*:lease")).length;

  it("gives what one gateway has fetched to another", async () => {
    const [dakar, thies] = [await aGateway(redis), await aGateway(redis)];
    const entry = anEntry(at(10));
    expect(await dakar.tier.look(PLACE, ["k"], undefined)).toEqual([LEASED]);
    await dakar.tier.put(PLACE, [{ key: "k", entry }]);
    const [found] = await thies.tier.look(PLACE, ["k"], undefined);
    expect(jsonOf(found)).toBe(entry.json);
    expect(found).toMatchObject({ entry: { range: entry.range, tags: entry.tags } });
    const { endsAtMs } = (found as { entry: CacheEntry }).entry;
    expect(Math.abs(endsAtMs - entry.endsAtMs)).toBeLessThan(1_000);
    expect(await thies.fills()).toEqual({});
    expect(await dakar.fills()).toEqual({ kept: 1 });
  });

  it("looks up many keys, in order", async () => {
    const { tier } = await aGateway(redis);
    const keys = Array.from({ length: 250 }, (_, i) => `k${i}`);
    expect(await tier.look(PLACE, keys, undefined)).toEqual(keys.map(() => LEASED));
    const fills = keys.map((key) => ({ key, entry: anEntry(at(10), { json: `"${key}"` }) }));
    await tier.put(PLACE, fills.slice(0, 240));
    await tier.release(PLACE, keys.slice(240));
    const looked = await tier.look(PLACE, keys, undefined);
    expect(looked.map((each) => jsonOf(each))).toEqual(
      keys.map((key, i) => (i < 240 ? `"${key}"` : undefined)),
    );
  });

  it("lets one gateway fetch for all", async () => {
    const readers = 100;
    const { promise: allWait, resolve: onAllWait } = Promise.withResolvers<void>();
    let waits = 0;
    const startTimer: StartTimer = (ms, run) => {
      waits += 1;
      if (waits === readers - 1) onAllWait();
      return startRealTimer(ms, run);
    };
    // On a busy machine a fetch may take longer than a lease usually lives.
    const options = { leaseMs: 20_000, startTimer };
    const tiers = await Promise.all(Array.from({ length: 4 }, () => aGateway(redis, 20_000, options)));
    let fetches = 0;
    const read = async ({ tier }: (typeof tiers)[number]) => {
      const [looked] = await tier.look(PLACE, ["k"], undefined);
      if (looked!.kind === "found") return jsonOf(looked);
      fetches += 1;
      await allWait;
      await tier.put(PLACE, [{ key: "k", entry: anEntry(at(10)) }]);
      return anEntry(at(10)).json;
    };
    const answers = await Promise.all(Array.from({ length: readers }, (_, i) => read(tiers[i % 4]!)));
    expect(new Set(answers).size).toBe(1);
    expect(fetches).toBe(1);
  });

  it("holds nobody up longer than a lease lives, and takes back none of another gateway", async () => {
    const [leaking, other] = [await aGateway(redis), await aGateway(redis)];
    expect(await leaking.tier.look(PLACE, ["k"], undefined)).toEqual([LEASED]);
    await other.tier.release(PLACE, ["k"]);
    await other.tier.put(PLACE, [{ key: "k", entry: anEntry(at(10)) }]);
    expect(await leases(), "the lease of the first").toBe(1);
    // The first one's lease has ended by itself.
    expect(await other.tier.look(PLACE, ["k"], undefined)).toEqual([LEASED]);
    // The first one's fetch ends at last.
    await leaking.tier.release(PLACE, ["k"]);
    expect(await leases(), "the lease of the second").toBe(1);
  });

  it.each([
    ["before a change that came first", at(9), "stale"],
    ["at it", at(10), "kept"],
    ["before it, as text would have it after", at(9), "stale"],
    ["on the timeline before", at(99, 0), "stale"],
    ["on a later timeline", at(1, 2), "kept"],
  ])("judges a fill that was read %s", async (_name, includes, outcome) => {
    const { tier, fills } = await aGateway(redis);
    await tier.look(PLACE, ["k"], undefined);
    await tier.invalidate(PLACE, ["Product:7"], at(10));
    await tier.put(PLACE, [{ key: "k", entry: anEntry(includes) }]);
    expect(await fills()).toEqual({ [outcome]: 1 });
    const [looked] = await tier.look(PLACE, ["k"], undefined);
    expect(looked!.kind).toBe(outcome === "kept" ? "found" : "leased");
  });

  it("invalidates what has the tag, and what has no tags", async () => {
    const { tier } = await aGateway(redis);
    const keys = ["seven", "eight", "tagless"];
    await tier.look(PLACE, keys, undefined);
    const tagsOf = [["Product:7"], ["Product:8"], []];
    await tier.put(
      PLACE,
      keys.map((key, i) => ({ key, entry: anEntry(at(10), { tags: tagsOf[i]! }) })),
    );
    await tier.invalidate(PLACE, ["Product:7"], at(11));
    const looked = await tier.look(PLACE, keys, undefined);
    expect(looked.map(({ kind }) => kind)).toEqual(["leased", "found", "leased"]);
  });

  it("never puts something older over something newer", async () => {
    const [slow, quick] = [await aGateway(redis), await aGateway(redis)];
    await slow.tier.look(PLACE, ["k"], undefined);
    await until("the lease has ended", async () => (await leases()) === 0);
    await quick.tier.look(PLACE, ["k"], undefined);
    await quick.tier.put(PLACE, [{ key: "k", entry: anEntry(at(20)) }]);
    await slow.tier.put(PLACE, [{ key: "k", entry: anEntry(at(9)) }]);
    expect(await slow.fills()).toEqual({ older: 1 });
    expect(jsonOf((await slow.tier.look(PLACE, ["k"], undefined))[0])).toBe(anEntry(at(20)).json);
  });

  it("judges what has no position by the order in which Redis heard of it", async () => {
    const { tier, fills } = await aGateway(redis);
    await tier.look(PLACE, ["k"], undefined);
    await tier.invalidate(PLACE, ["Product:7"], at(10));
    await tier.put(PLACE, [{ key: "k", entry: anEntry(undefined) }]);
    await tier.look(PLACE, ["k"], undefined);
    await tier.put(PLACE, [{ key: "k", entry: anEntry(undefined) }]);
    expect(await fills()).toEqual({ stale: 1, kept: 1 });
    expect(await tier.look(PLACE, ["k"], at(1))).toEqual([LEASED]);
  });

  it("gives only what includes the caller's position", async () => {
    const { tier } = await aGateway(redis);
    await tier.look(PLACE, ["k"], undefined);
    await tier.put(PLACE, [{ key: "k", entry: anEntry(at(10)) }]);
    expect((await tier.look(PLACE, ["k"], at(10)))[0]!.kind).toBe("found");
    expect((await tier.look(PLACE, ["k"], at(11)))[0]!.kind).toBe("leased");
    await tier.release(PLACE, ["k"]);
    expect((await tier.look(PLACE, ["k"], at(1, 2)))[0]!.kind).toBe("leased");
  });

  it("drops a place, and no other", async () => {
    const { tier } = await aGateway(redis);
    for (const place of ["dropped", "other"]) {
      await tier.dropPlace(place, at(1));
      await tier.look(place, [`${place} k`], undefined);
      await tier.put(place, [{ key: `${place} k`, entry: anEntry(at(10)) }]);
    }
    await tier.dropPlace("dropped", at(11));
    expect((await tier.look("dropped", ["dropped k"], undefined))[0]!.kind).toBe("leased");
    expect((await tier.look("other", ["other k"], undefined))[0]!.kind).toBe("found");
  });

  it("lets one gateway refresh what is soon at its end", async () => {
    const [first, second] = [await aGateway(redis), await aGateway(redis)];
    await first.tier.look(PLACE, ["k"], undefined);
    const entry = anEntry(at(10), { refreshAtMs: Date.now() - 1 });
    await first.tier.put(PLACE, [{ key: "k", entry }]);
    const refreshAtMs = async ({ tier }: typeof first) =>
      ((await tier.look(PLACE, ["k"], undefined))[0] as { entry: CacheEntry }).entry.refreshAtMs;
    expect(await refreshAtMs(second)).toBeLessThanOrEqual(Date.now());
    expect(await refreshAtMs(first)).toBeGreaterThan(Date.now());
    await second.tier.put(PLACE, [{ key: "k", entry: anEntry(at(11)) }]);
    expect(await refreshAtMs(first)).toBeGreaterThan(Date.now());
  });

  it.each([
    ["evicted", () => redis.command("DEL", HISTORY)],
    ["flushed", () => redis.command("FLUSHALL")],
  ])("uses nothing from before what it heard was %s", async (_name, forget) => {
    const { tier, fills } = await aGateway(redis);
    await tier.look(PLACE, ["kept", "filled"], undefined);
    await tier.put(PLACE, [{ key: "kept", entry: anEntry(at(10)) }]);
    await tier.invalidate(PLACE, ["Product:7"], at(20));
    await forget();
    expect(await tier.look(PLACE, ["kept"], undefined)).toEqual([LEASED]);
    // It began before the invalidation, which nobody knows of any more.
    await tier.put(PLACE, [{ key: "filled", entry: anEntry(at(10)) }]);
    expect(await fills()).toEqual({ kept: 1, stale: 1 });
  });

  it("reads nothing of another version of the program, and leaves it alone", async () => {
    const { tier } = await aGateway(redis);
    await tier.look(PLACE, ["k"], undefined);
    await tier.put(PLACE, [{ key: "k", entry: anEntry(at(10)) }]);
    const keys = await redis.command<string[]>("KEYS", `${PREFIX}*`);
    const older = keys.map((key) => key.replace(PREFIX, "teranga:0:"));
    for (const [i, key] of keys.entries()) await redis.command("RENAME", key, older[i]!);
    expect(await tier.look(PLACE, ["k"], undefined)).toEqual([LEASED]);
    expect(await redis.command<string[]>("KEYS", "teranga:0:*")).toHaveLength(2);
  });

  it.each(["", "7", "{\n{}", '{"version":0}\n{}', '["x",1]\n{}', "null\n{}"])(
    "replaces %j, which is no entry of its own",
    async (foreign) => {
      const { tier } = await aGateway(redis);
      const entry = anEntry(at(10));
      await tier.look(PLACE, ["k"], undefined);
      await tier.put(PLACE, [{ key: "k", entry }]);
      const [key] = await redis.command<string[]>("KEYS", "*:entry:*");
      await redis.command("SET", key!, foreign);
      expect(await tier.look(PLACE, ["k"], undefined)).toEqual([LEASED]);
      await tier.put(PLACE, [{ key: "k", entry }]);
      expect(jsonOf((await tier.look(PLACE, ["k"], undefined))[0])).toBe(entry.json);
    },
  );

  it("begins no history for a gateway that has heard of no change", async () => {
    const { tier } = await aGateway(redis);
    expect(await tier.look("other", ["k"], undefined)).toEqual([UNKNOWN]);
    await tier.invalidate("other", ["Product:7"], at(10));
    expect(await tier.look("other", ["k"], undefined)).toEqual([LEASED]);
    await tier.put("other", [{ key: "k", entry: anEntry(at(9), { tags: ["Product:8"] }) }]);
    expect(await tier.look("other", ["k"], undefined)).toEqual([LEASED]);
  });

  it("forgets single changes beyond a number, and drops the place for them", async () => {
    const { tier } = await aGateway(redis);
    await tier.look(PLACE, ["k"], undefined);
    await tier.put(PLACE, [{ key: "k", entry: anEntry(at(10)) }]);
    const tags = Array.from({ length: 25_000 }, (_, i) => `Other:${i}`);
    for (let from = 0; from < tags.length; from += 1_000)
      await tier.invalidate(PLACE, tags.slice(from, from + 1_000), at(11 + from));
    const marks = await redis.command("HLEN", HISTORY);
    expect(marks).toBeGreaterThan(1_000);
    expect(marks).toBeLessThanOrEqual(20_000);
    expect((await tier.look(PLACE, ["k"], undefined))[0]!.kind).toBe("leased");
  });

  it("keeps neither what is too large nor what has ended", async () => {
    const { tier } = await aGateway(redis);
    await tier.look(PLACE, ["large", "ended"], undefined);
    await tier.put(PLACE, [
      { key: "large", entry: anEntry(at(10), { json: `"${"x".repeat(600_000)}"` }) },
      { key: "ended", entry: anEntry(at(10), { endsAtMs: Date.now() - 1 }) },
    ]);
    expect(await tier.look(PLACE, ["large", "ended"], undefined)).toEqual([LEASED, LEASED]);
  });

  it("holds in every order of looks, fills and changes", async () => {
    const { tier } = await aGateway(redis);
    const place = PLACE;
    const lsn = fc.integer({ min: 8, max: 12 });
    const key = fc.constantFrom("7", "8");
    // With as many of each, no more than 7 looks of 100 histories found something; so, 33 to 74.
    const step = fc.oneof(
      { weight: 3, arbitrary: fc.record({ kind: fc.constant("look" as const), key }) },
      { weight: 3, arbitrary: fc.record({ kind: fc.constant("fill" as const), key, lsn }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("change" as const), key, lsn }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant("drop" as const), key, lsn }) },
    );
    const steps = fc.array(step, { minLength: 4, maxLength: 16 });
    let found = 0;
    await fc.assert(
      fc.asyncProperty(steps, async (steps) => {
        await redis.command("FLUSHALL");
        await tier.dropPlace(place, at(1));
        /** What must be included at least, by key. */
        const least = new Map<string, number>();
        const raise = (key: string, lsn: number) => least.set(key, Math.max(lsn, least.get(key) ?? 0));
        for (const each of steps) {
          if (each.kind === "fill") {
            await tier.put(place, [{ key: each.key, entry: anEntry(at(each.lsn), { tags: [each.key] }) }]);
          } else if (each.kind === "change") {
            await tier.invalidate(place, [each.key], at(each.lsn));
            raise(each.key, each.lsn);
          } else if (each.kind === "drop") {
            await tier.dropPlace(place, at(each.lsn));
            for (const key of ["7", "8"]) raise(key, each.lsn);
          } else {
            await tier.release(place, [each.key]);
            const [looked] = await tier.look(place, [each.key], undefined);
            if (looked?.kind !== "found") continue;
            found += 1;
            const includes = looked.entry.range!.includes.lsn;
            expect(includes).toBeGreaterThanOrEqual(least.get(each.key) ?? 0);
            raise(each.key, includes);
          }
        }
      }),
      { numRuns: 100 },
    );
    expect(found, "looks that found something").toBeGreaterThan(10);
  });
});
