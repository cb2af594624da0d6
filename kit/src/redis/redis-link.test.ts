/**
 * Goal: Redis may be slow, down, failing over or of another password: nothing waits, and it is noticed when
 * it is back. Method: real servers, which are frozen, killed and failed over.
 */
import { RedisClient } from "@redis/client";
import { describe, expect, inject, it, onTestFinished, vi } from "vitest";
import { redisTarget, startRedis, startSentinelTrio, type TestRedis, until } from "../../test/redis.ts";
import { createLogger } from "../process/log.ts";
import { Registry } from "../process/metrics.ts";
import { connectTo } from "./redis-connection.ts";
import { RedisLink } from "./redis-link.ts";
import { createRedisMetrics } from "./redis-metrics.ts";

describe.skipIf(inject("redisMissing") !== null)("the way to Redis", () => {
  it("carries commands", async () => {
    const redis = await aRedis();
    const { link } = await aLink(redis.url);
    expect(await link.ask(["SET", "a", "1"])).toEqual({ kind: "reply", reply: "OK" });
    expect(await link.ask(["GET", "a"])).toEqual({ kind: "reply", reply: "1" });
    expect(await link.ask(["GET"])).toMatchObject({ kind: "refused" });
    expect(link.isOpen).toBe(true);
    expect(link.notes()).toEqual([]);
  });

  // Each class took 60 ms of CPU, and a program with sentinels made several a second.
  it("makes the driver's class once for all servers", async () => {
    const servers = [await aRedis(), await aRedis(), await aRedis()];
    const making = vi.spyOn(RedisClient, "factory");
    onTestFinished(() => making.mockRestore());
    const login = { username: undefined, password: undefined };
    const reached = new Set(
      await Promise.all(
        servers.map(async ({ port }) => {
          const address = { host: "127.0.0.1", port };
          const connection = await connectTo(address, { login, tls: false, deadlineMs: 10_000 });
          connection.close();
          return connection.server.runId;
        }),
      ),
    );
    expect(reached.size).toBe(servers.length);
    expect(making.mock.calls.length).toBeLessThanOrEqual(1);
  });

  it("needs no Redis to start, and notices when it comes", async () => {
    const redis = await aRedis();
    await redis.kill();
    const { link, lines } = await aLink(redis.url);
    expect(await link.ask(["PING"])).toEqual({ kind: "away" });
    expect(link.notes()).toEqual(["Redis is not used for the test: ECONNREFUSED"]);
    await redis.restart();
    await until("it is back", () => link.isOpen);
    expect(lines()).toEqual(["Redis cannot be used for the test", "Redis is used for the test"]);
  });

  it("is left when the server dies, without a flood of lines, and taken up again", async () => {
    const redis = await aRedis();
    const { link, lines, metric } = await aLink(redis.url);
    const before = link.runId;
    await redis.kill();
    await until("it is away", () => !link.isOpen);
    for (let i = 0; i < 1_000; i++) expect((await link.ask(["PING"])).kind).toBe("away");
    expect(await metric("teranga_redis_used")).toBe(0);
    await redis.restart();
    await until("it is back", () => link.isOpen);
    expect(link.runId).not.toBe(before);
    expect(await metric("teranga_redis_used")).toBe(1);
    expect(lines().slice(0, 2)).toEqual(["Redis is used for the test", "Redis is away for the test"]);
    expect(lines().length).toBeLessThanOrEqual(4);
  });

  it("is left after three late answers, and no probe that hangs lets anything through", async () => {
    const redis = await aRedis();
    const { link } = await aLink(redis.url, 50);
    await until("it is open", () => link.isOpen);
    redis.freeze();
    const kinds: string[] = [];
    for (let i = 0; i < 5; i++) kinds.push((await link.ask(["PING"])).kind);
    expect(kinds).toEqual(["unknown", "unknown", "unknown", "away", "away"]);
    expect(link.notes()).toEqual(["Redis is not used for the test: 3 answers in a row took over 50 ms"]);
    await until("a probe has failed", () => link.notes()[0]!.includes("no answer within 1000 ms"));
    redis.thaw();
    await until("it is back", () => link.isOpen);
  });

  it("counts answers that are late together once", async () => {
    const redis = await aRedis();
    const { link, metric } = await aLink(redis.url, 50);
    await until("it is open", () => link.isOpen);
    redis.freeze();
    const answers = await Promise.all(Array.from({ length: 100 }, () => link.ask(["PING"])));
    redis.thaw();
    expect(new Set(answers.map(({ kind }) => kind))).toEqual(new Set(["unknown"]));
    expect(link.isOpen).toBe(true);
    expect(await metric("teranga_redis_commands_total", { outcome: "late" })).toBe(100);
  });

  it("takes an answer that came while this process was busy", async () => {
    const redis = await aRedis();
    const { link } = await aLink(redis.url, 50);
    await until("it is open", () => link.isOpen);
    for (let i = 0; i < 5; i++) {
      const asked = link.ask(["PING"]);
      await new Promise((resolve) => setImmediate(resolve));
      const endMs = performance.now() + 100;
      while (performance.now() < endMs);
      expect((await asked).kind).toBe("reply");
    }
  });

  it("says that the password is wrong, and not which", async () => {
    const redis = await aRedis(["requirepass", "correct"]);
    const { link, log } = await aLink(redis.url.replace("//", "//:secret-of-ours@"));
    expect(link.notes()[0]).toContain("WRONGPASS");
    expect(log()).not.toContain("secret-of-ours");
    const { link: without } = await aLink(redis.url);
    expect(without.notes()[0]).toContain("NOAUTH");
    await redis.command("CONFIG", "SET", "requirepass", "");
    await until("it is let in", () => without.isOpen);
  });

  it("finds a server that hangs while nobody asks it", async () => {
    const redis = await aRedis();
    const { link } = await aLink(redis.url);
    redis.freeze();
    await until("it is away", () => !link.isOpen);
    redis.thaw();
  });

  it("follows the sentinels, when an operator fails over and when the primary dies", async () => {
    const trio = await startSentinelTrio();
    onTestFinished(trio.stop);
    const { link } = await aLink(trio.url);
    const { runId } = link;
    expect(await link.ask(["SET", "a", "1"])).toEqual({ kind: "reply", reply: "OK" });
    await trio.failOver();
    await until("it is at the new primary", () => link.isOpen && link.runId !== runId);
    expect(await link.ask(["SET", "a", "2"])).toEqual({ kind: "reply", reply: "OK" });
    const { runId: second } = link;
    await trio.servers[1].kill();
    await until("it is at the first again", () => link.isOpen && link.runId !== second);
    expect(await link.ask(["SET", "a", "3"])).toEqual({ kind: "reply", reply: "OK" });
  });
});

async function aRedis(...settings: [string, ...string[]][]): Promise<TestRedis> {
  const redis = await startRedis(...settings);
  onTestFinished(redis.stop);
  return redis;
}

/** A busy machine is slow, so it has patience where its lack is not the subject. */
async function aLink(url: string, answerMs = 2_000) {
  const registry = new Registry();
  const written: string[] = [];
  const log = createLogger("test", "info", { write: (line) => void written.push(line) });
  const link = new RedisLink({
    target: redisTarget(url),
    purpose: "test",
    metrics: createRedisMetrics(registry),
    log,
    answerMs,
  });
  onTestFinished(() => link.close());
  await link.start();
  const metric = async (name: string, labels: Record<string, string> = {}) => {
    const { values } = await registry.getSingleMetric(name)!.get();
    const isIt = (each: object) =>
      Object.entries(labels).every(([key, value]) => Reflect.get(each, key) === value);
    return values.find((each) => isIt(each.labels))?.value;
  };
  const lines = () => written.map((line) => JSON.parse(line).msg as string);
  return { link, lines, log: () => written.join(""), metric };
}
