import { expect, test, vi } from "vitest";
import { halfTheTime, Turns } from "./turns.ts";

const nextTick = () => new Promise<void>((resolve) => setImmediate(resolve));

test("the smallest is done first, of equal ones what came first, and others have their turn between", async () => {
  const turns = new Turns(nextTick);
  const done: string[] = [];
  const say = (what: string) => () => void done.push(what);
  const first = turns.next(9, say("at once"));
  expect(done).toEqual(["at once"]);
  const work = [5, 1, 5].map((size, at) => turns.next(size, say(`${size} ${at}`)));
  await nextTick();
  done.push("another");
  await Promise.all([first, ...work]);
  expect(done.filter((each) => each !== "another")).toEqual(["at once", "1 1", "5 0", "5 2"]);
  expect(done.indexOf("another")).toBeLessThan(3);
});

test("the rest is as long as the work took if there is more", async () => {
  const rests: number[] = [];
  const nowMs = vi.spyOn(performance, "now").mockReturnValue(0);
  const turns = new Turns(async (tookMs) => void rests.push(tookMs));
  await Promise.all([70, 30].map((ms) => turns.next(1, () => void nowMs.mockReturnValue(ms))));
  await nextTick();
  nowMs.mockRestore();
  expect(rests).toEqual([70, 0]);
});

test("what smaller pieces have overtaken for ten seconds is refused, and no sooner", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const outcomes: string[] = [];
  // A small piece takes 100 ms, and the next one arrives whenever one is done.
  const turns = new Turns(async () => {});
  const work = () => new Promise<void>((resolve) => setTimeout(resolve, 100));
  const small = (): void => void turns.next(1, work).then(small);
  small();
  small();
  turns
    .next(9, () => "done")
    .then(
      (outcome) => outcomes.push(outcome),
      (error) => outcomes.push(error.extensions.code),
    );
  await vi.advanceTimersByTimeAsync(9_999);
  expect(outcomes).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(outcomes).toEqual(["OVERLOADED"]);
  vi.useRealTimers();
});

test("half of the time is for others: a turn after what was short, as long as the work took after what was not", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  let isOver = false;
  const rested = halfTheTime(70).then(() => {
    isOver = true;
  });
  await vi.advanceTimersByTimeAsync(69);
  await nextTick();
  expect(isOver).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  await rested;
  vi.useRealTimers();
  let turns = 0;
  setImmediate(() => turns++);
  await halfTheTime(1);
  expect(turns).toBe(1);
});

test("work that fails is told so, and what comes after it is done", async () => {
  const turns = new Turns(nextTick);
  const failing = turns.next(1, () => {
    throw new Error("refused");
  });
  const after = turns.next(1, () => "done");
  await expect(failing).rejects.toThrow("refused");
  expect(await after).toBe("done");
});

test("beyond 64 that wait, the largest is refused", async () => {
  const turns = new Turns(nextTick);
  const sizes = Array.from({ length: 66 }, (_, at) => at);
  const outcomes = await Promise.allSettled(sizes.map((size) => turns.next(100 - size, () => size)));
  const refused = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
  expect(refused).toMatchObject([{ extensions: { code: "OVERLOADED", http: { status: 503 } } }]);
  expect(outcomes[1]!.status).toBe("rejected");
});
