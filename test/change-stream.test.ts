/** Goal: a slow Redis gets all changes of a service. Method: a real server behind a wire that holds back. */
import { readConfig } from "@teranga/kit/process/config.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import { Registry } from "@teranga/kit/process/metrics.ts";
import { streamKey } from "@teranga/kit/redis/change-stream.ts";
import { openChangeStream } from "@teranga/kit/redis/open-change-stream.ts";
import { redisVariables } from "@teranga/kit/redis/redis-url.ts";
import { describe, expect, inject, it, onTestFinished } from "vitest";
import { z } from "zod";
import { startRedis, until } from "../kit/test/redis.ts";
import { startProxy } from "./harness/proxy.ts";

const PLACE = "catalog";
const CHANGES = 10;
/** Each way: ten times as long as an answer may take on the way of a request. */
const WIRE_MS = 25;

describe.skipIf(inject("redisMissing") !== null)("the stream of a service's changes", () => {
  it("has each change, also if Redis answers late", async () => {
    const redis = await startRedis();
    onTestFinished(redis.stop);
    const wire = await startProxy(Number(new URL(redis.url).port));
    onTestFinished(wire.close);
    const log = createLogger("test", "silent");
    const url = wire.before(redis.url);
    const target = readConfig(z.object(redisVariables), { REDIS_URL: url }).REDIS_URL!;
    const means = { registry: new Registry(), log };
    const { listeners, notes, close } = openChangeStream(target, PLACE, means);
    onTestFinished(close);
    await until("it is used", () => notes().length === 0);
    wire.delay(WIRE_MS);

    const written = () => redis.command<number>("XLEN", streamKey(PLACE));
    listeners[0]!.began("e1", { changes: [], position: { timeline: 1, lsn: 1 } });
    for (let number = 1; number <= CHANGES; number++) {
      const changes = [{ type: "Product", key: `${number}` }];
      listeners[0]!.changed({ changes, position: { timeline: 1, lsn: number } });
      await until("it is written, or Redis is away", async () => {
        return notes().length > 0 || (await written()) >= number;
      });
    }
    expect([await written(), notes()]).toEqual([CHANGES, []]);
  });
});
