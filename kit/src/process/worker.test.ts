import { expect, test } from "vitest";
import { createLogger } from "./log.ts";
import { startWorker } from "./worker.ts";

const log = createLogger("test", "silent");
const HOUR_MS = 3_600_000;

test("a step that throws does not end the loop", async () => {
  let steps = 0;
  const third = Promise.withResolvers<void>();
  const worker = startWorker({
    name: "test",
    intervalMs: 1,
    log,
    step: async () => {
      steps++;
      if (steps === 3) third.resolve();
      throw new Error("no");
    },
  });
  await third.promise;
  await worker.stop();
});

test("a step is called again at once while there is more, and when it is woken", async () => {
  const steps = [Promise.withResolvers<void>(), Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let next = 0;
  const worker = startWorker({
    name: "test",
    intervalMs: HOUR_MS,
    log,
    step: async () => {
      const step = next++;
      steps[step]!.resolve();
      return step === 0;
    },
  });
  await steps[1]!.promise;
  worker.wake();
  await steps[2]!.promise;
  await worker.stop();
});

test("stop waits for the step under way and starts no other", async () => {
  const begun = Promise.withResolvers<void>();
  const finish = Promise.withResolvers<void>();
  let steps = 0;
  const worker = startWorker({
    name: "test",
    intervalMs: 1,
    log,
    step: async () => {
      steps++;
      begun.resolve();
      await finish.promise;
      return true;
    },
  });
  await begun.promise;
  let stopped = false;
  const stop = worker.stop().then(() => {
    stopped = true;
  });
  await Promise.resolve();
  expect(stopped).toBe(false);
  finish.resolve();
  await stop;
  expect(steps).toBe(1);
});
