/** One reading for many gauges: shared, bounded, harmless when it fails. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { shareReading } from "./metrics.ts";

const delay = (milliseconds: number, signal: AbortSignal) => sleep(milliseconds, undefined, { signal });

function reading(take: () => Promise<number>, limitMs = 20) {
  const failures: string[] = [];
  const onFailure = (error: unknown) => failures.push((error as Error).message);
  return { shared: shareReading(take, { limitMs, delay, onFailure }), failures };
}

test("who reads at the same time shares one reading, who comes later takes a new one", async () => {
  let taken = 0;
  const { shared } = reading(async () => ++taken);
  expect(await Promise.all([shared(), shared(), shared()])).toEqual([1, 1, 1]);
  expect(await shared()).toBe(2);
});

test("a reading that fails is null for all who share it, and counted once", async () => {
  const { shared, failures } = reading(() => Promise.reject(new Error("no database")));
  expect(await Promise.all([shared(), shared()])).toEqual([null, null]);
  expect(failures).toEqual(["no database"]);
});

test("a reading that hangs is given up at the limit, and never begun twice at once", async () => {
  let begun = 0;
  const answer = Promise.withResolvers<number>();
  const { shared, failures } = reading(() => {
    begun++;
    return answer.promise;
  });
  expect([await shared(), await shared()]).toEqual([null, null]);
  expect(begun).toBe(1);
  expect(failures).toEqual(["took more than 20 ms", "took more than 20 ms"]);

  const late = shared();
  answer.resolve(7);
  expect(await late).toBe(7);
  await shared();
  expect(begun).toBe(2);
});
