/**
 * Goal: what a read includes is not overstated: a commit that is flushed, but not visible yet, is not taken
 * for visible. Method: positions and transactions as a server would tell them.
 */
import { expect, test } from "vitest";
import { PrimaryPositions } from "./primary-positions.ts";

/** A primary whose answers are given one after the other; the last one again and again. */
function primary(...answers: { lsn: number; underWay: string[] }[]) {
  const state = { nowMs: 0, asked: 0 };
  const positions = new PrimaryPositions({
    readPosition: async () => ({ timeline: 1, ...answers[Math.min(state.asked++, answers.length - 1)]! }),
    nowMs: () => state.nowMs,
    delay: async (ms) => {
      state.nowMs += ms;
    },
  });
  return { positions, state };
}

test("a position after which no transaction is under way is settled at once", async () => {
  const { positions } = primary({ lsn: 10, underWay: [] });
  expect(positions.settled).toBeUndefined();
  expect(await positions.ask()).toEqual({ timeline: 1, lsn: 10 });
  expect(positions.settled).toEqual({ timeline: 1, lsn: 10 });
});

test("one is settled when the transactions that were under way after it have ended", async () => {
  const { positions } = primary(
    { lsn: 10, underWay: ["7", "8"] },
    { lsn: 20, underWay: ["8", "9"] },
    { lsn: 30, underWay: ["9"] },
    { lsn: 40, underWay: ["10"] },
  );
  const settled: unknown[] = [];
  for (let asked = 0; asked < 4; asked++) {
    await positions.ask();
    settled.push(positions.settled?.lsn);
  }
  expect(settled).toEqual([undefined, undefined, 10, 30]);
});

test("a transaction that stays open does not hold positions back for long", async () => {
  const { positions, state } = primary({ lsn: 10, underWay: ["7"] });
  await positions.ask();
  state.nowMs = 999;
  await positions.ask();
  expect(positions.settled).toBeUndefined();
  state.nowMs = 1_000;
  await positions.ask();
  expect(positions.settled).toEqual({ timeline: 1, lsn: 10 });
});

test("a wanted position is waited for, one from the future or of another timeline is not", async () => {
  const { positions, state } = primary({ lsn: 10, underWay: ["7"] }, { lsn: 20, underWay: [] });
  expect(await positions.settle({ timeline: 1, lsn: 10 })).toBe(true);
  expect([positions.settled?.lsn, state.asked]).toEqual([20, 2]);
  expect(await positions.settle({ timeline: 1, lsn: 20 })).toBe(true);
  expect(state.asked).toBe(2);
  expect(await positions.settle({ timeline: 1, lsn: 21 })).toBe(false);
  expect(await positions.settle({ timeline: 2, lsn: 1 })).toBe(false);
  expect([state.asked, state.nowMs]).toEqual([4, 5]);
});

test("the wait is bounded", async () => {
  const { positions, state } = primary({ lsn: 10, underWay: ["7"] });
  expect(await positions.settle({ timeline: 1, lsn: 10 })).toBe(false);
  expect(state.nowMs).toBe(100);
});

test("callers share a question that begins after they asked", async () => {
  const { positions, state } = primary({ lsn: 10, underWay: [] }, { lsn: 20, underWay: [] });
  const answers = await Promise.all(Array.from({ length: 5 }, () => positions.ask()));
  expect(answers.map(({ lsn }) => lsn)).toEqual([10, 20, 20, 20, 20]);
  expect(state.asked).toBe(2);
});
