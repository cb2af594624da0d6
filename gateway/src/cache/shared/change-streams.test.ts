/**
 * Goal: a gateway learns every change from the stream or, where Redis lost some, knows that it must ask the
 * service. Method: a service's listener and a gateway's reader on a real server that forgets and restarts.
 */
import type { Change } from "@teranga/kit/outbox/change.ts";
import { type Cursor, RecentChanges } from "@teranga/kit/outbox/recent-changes.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import { Registry } from "@teranga/kit/process/metrics.ts";
import { streamChanges } from "@teranga/kit/redis/change-stream.ts";
import { RedisLink } from "@teranga/kit/redis/redis-link.ts";
import { createRedisMetrics } from "@teranga/kit/redis/redis-metrics.ts";
import { describe, expect, inject, it, onTestFinished } from "vitest";
import { startRedis, type TestRedis, until } from "../../../../kit/test/redis.ts";
import { ChangeStreams } from "./change-streams.ts";
import { at, PLACE } from "./fixture/redis-gateways.ts";

const nowMs = () => performance.now();
const log = createLogger("test", "silent");

describe.skipIf(inject("redisMissing") !== null)("the streams of changes", () => {
  it("tell what a service appends, by its numbers", async () => {
    const { service, streams } = await aShop();
    service.began("e1");
    service.change("1");
    const cursor = { epoch: "e1", number: 1 };
    await until("it is read", async () => {
      service.confirm();
      return (await streams.get(PLACE, cursor)) !== undefined;
    });
    const next = streams.get(PLACE, cursor);
    service.change("2");
    service.change("3");
    expect(await next).toMatchObject({ epoch: "e1", isGap: false, changes: [["Product", "2", "1.2"]] });
    const answer = await untilTold(service, () => streams.get(PLACE, cursor), 3);
    expect(answer.changes.map(([, key]) => key)).toEqual(["2", "3"]);
    expect(answer.ageMs).toBeLessThan(1_000);
  });

  it("tell nothing of another epoch, of the time before they were read, or once nothing is confirmed", async () => {
    const { service, streams } = await aShop();
    service.began("e1");
    service.change("1");
    const cursor = { epoch: "e1", number: 1 };
    await until("it is read", async () => {
      service.confirm();
      return (await streams.get(PLACE, cursor)) !== undefined;
    });
    expect(await streams.get(PLACE, { epoch: "e1", number: 0 })).toBeUndefined();
    service.ended();
    await until("nothing is confirmed", async () => (await streams.get(PLACE, cursor)) === undefined);
    expect(await streams.get(PLACE, { epoch: "e0", number: 1 })).toBeUndefined();
  });

  it("lose no change, whatever Redis forgets", async () => {
    const { redis, service, streams, link } = await aShop();
    service.began("e1");
    const known: string[] = [];
    const asked = { stream: 0, service: 0 };
    let cursor: Cursor = { epoch: "e1", number: 0 };
    let isOver = false;
    const follow = async () => {
      for (;;) {
        const streamed = await streams.get(PLACE, cursor);
        const answer = streamed ?? service.since(cursor);
        expect(answer.isGap).toBe(false);
        if (answer.changes.length > 0) asked[streamed ? "stream" : "service"] += 1;
        known.push(...answer.changes.map(([, key]) => key!));
        cursor = { epoch: answer.epoch, number: answer.number };
        if (isOver && known.length >= service.count) return;
        if (!streamed) await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };
    const following = follow();
    const faults = [
      async () => void (await redis.command("FLUSHALL")),
      async () => void (await redis.command("DEL", `teranga:changes:1:${PLACE}`)),
      async () => void (await redis.command("CLIENT", "KILL", "TYPE", "normal").catch(() => {})),
      () => redis.restart(),
    ];
    for (const fault of faults) {
      for (let i = 0; i < 20; i++) {
        service.change(`${service.count}`);
        service.confirm();
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      await fault();
      service.change(`${service.count}`);
    }
    await until("Redis is back", () => link.isOpen);
    const before = asked.stream;
    await until("the stream tells again", () => {
      service.change(`${service.count}`);
      service.confirm();
      return asked.stream > before;
    });
    isOver = true;
    service.change(`${service.count}`);
    await following;
    expect(known).toEqual(Array.from({ length: service.count }, (_, i) => `${i}`));
    expect(asked.service, "what the stream had lost").toBeGreaterThan(0);
  });
});

/** Confirms until the stream tells of so many changes. */
async function untilTold(
  service: { confirm: () => void },
  get: () => ReturnType<ChangeStreams["get"]>,
  number: number,
) {
  let answer: Awaited<ReturnType<ChangeStreams["get"]>>;
  await until("all is told", async () => {
    service.confirm();
    answer = await get();
    return answer?.number === number;
  });
  return answer!;
}

/** A service that appends to the stream, and a gateway that reads it. */
async function aShop() {
  const redis = await startRedis();
  onTestFinished(redis.stop);
  const [link, own] = [await aLink(redis), await aLink(redis)];
  const streams = new ChangeStreams({ link: own, log });
  onTestFinished(() => streams.close());
  const recent = new RecentChanges(nowMs);
  const listeners = [recent, streamChanges(link, PLACE, nowMs)];
  const service = {
    count: 0,
    began: (epoch: string) => {
      for (const each of listeners) each.began(epoch, { changes: [], position: at(0) });
    },
    change: (key: string) => {
      service.count += 1;
      const changes: Change[] = [{ type: "Product", key }];
      for (const each of listeners) each.changed({ changes, position: at(service.count) });
    },
    confirm: () => {
      for (const each of listeners) each.confirmed(at(service.count), nowMs());
    },
    ended: () => {
      for (const each of listeners) each.ended();
    },
    since: (cursor: Cursor) => recent.since(cursor)!,
  };
  return { redis, service, streams, link: own };
}

async function aLink(redis: TestRedis): Promise<RedisLink> {
  const metrics = createRedisMetrics(new Registry());
  const link = new RedisLink({ target: redis.target, purpose: "changes", metrics, log, answerMs: 2_000 });
  onTestFinished(() => link.close());
  await link.start();
  return link;
}
