/**
 * Goal: answers that are ready at the same time leave the event loop to other work every 20 ms, or every 100
 * ms if they are small, and keep the order in which they came. Method: a clock that advances only by the time
 * that answers take, and turns of the real event loop.
 */
import { expect, test } from "vitest";
import { Answering } from "./answering.ts";

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

const nextTick = () => new Promise<void>((resolve) => process.nextTick(resolve));

const SIZE_PER_MS = 10_000;
const BYTES_PER_MS = 320_000;

interface World {
  nowMs: number;
  done: string[];
  /** The times that answers had taken when other work had its turn. */
  rests: number[];
  answers: Answering;
  /** Shapes an answer, and writes it a few microtasks later. Each takes half of the time. */
  answer(name: string, tookMs: number, asker?: object): Promise<void>;
  /** The same for a great answer. */
  great(name: string, tookMs: number): Promise<void>;
}

function world(): World {
  const make = async (name: string, tookMs: number, turn: Promise<void> | undefined) => {
    if (turn) await turn;
    it.nowMs += tookMs / 2;
    it.answers.willWrite((tookMs / 2) * SIZE_PER_MS);
    for (let microtask = 0; microtask < 5; microtask++) await undefined;
    it.nowMs += tookMs / 2;
    it.done.push(name);
  };
  const it: World = {
    nowMs: 0,
    done: [],
    rests: [],
    answer: (name, tookMs, asker = {}) => make(name, tookMs, it.answers.turn(asker)),
    great: (name, tookMs) => make(name, tookMs, it.answers.turn({}, true)),
    answers: new Answering(
      () => it.nowMs,
      (tookMs) => {
        it.rests.push(tookMs);
        return nextTurn();
      },
    ),
  };
  return it;
}

const names = (count: number) => Array.from({ length: count }, (_, at) => `${at}`);

test.each([
  { kind: "small", tookMs: 1, count: 250, counts: [100, 200, 250] },
  { kind: "other", tookMs: 4, count: 12, counts: [5, 10, 12] },
])("$kind answers that are ready together go in order, for their time in each turn", async (each) => {
  const it = world();
  const all = names(each.count).map((name) => it.answer(name, each.tookMs));
  const counts: number[] = [];
  while (it.done.length < each.count && counts.length < each.count) {
    await nextTurn();
    counts.push(it.done.length);
  }
  await Promise.all(all);
  expect(it.done).toEqual(names(each.count));
  expect(counts).toEqual(each.counts);
  expect(it.rests).toEqual([0, 0]);
});

test("what is yet to be copied counts before it is: that comes when all who are ready went on", async () => {
  const it = world();
  const turns = names(30).map(() => it.answers.turn({}, false, 30 * BYTES_PER_MS));
  expect(turns.filter((turn) => turn === undefined)).toHaveLength(1);
  await Promise.all(turns);
  // It took no time after all.
  expect(it.rests).toEqual([]);
});

test("nobody overtakes those that wait, neither in a new turn nor while they go on", async () => {
  const it = world();
  const after: Promise<void>[] = [];
  const oneMore = () => after.push(it.answer(`later ${after.length}`, 5));
  const before = names(30).map((name) => it.answer(name, 5).then(oneMore));
  while (it.done.length < 30) {
    await nextTurn();
    oneMore();
  }
  await Promise.all([...before, ...after]);
  expect(it.done.slice(0, 30)).toEqual(names(30));
  expect(it.done.slice(30)).toEqual(after.map((_, at) => `later ${at}`));
});

test("one that is written much later than it is shaped counts as a whole", async () => {
  const it = world();
  const all = names(3).map((name) => it.answer(name, 30));
  await nextTurn();
  expect(it.done).toEqual(["0"]);
  await Promise.all(all);
  // The rest is as long as the answer if others wait, and 0 if none waits.
  await nextTurn();
  expect(it.rests.filter((ms) => ms > 0)).toEqual([30, 30]);
});

test("what is done between answers is none of their time", async () => {
  const it = world();
  await it.answer("a", 1);
  await nextTick();
  // Planning, in the same turn.
  it.nowMs += 150;
  expect(it.answers.turn({})).toBeUndefined();
  await it.answer("b", 1);
  await nextTurn();
  expect(it.rests).toEqual([]);
});

test("an asker has one place: it waits once, and goes on while it is its turn", async () => {
  const it = world();
  const asker = {};
  const first = it.answer("first", 25);
  const parts = [it.answers.turn(asker), it.answers.turn(asker)];
  expect(parts[0]).toBe(parts[1]);
  const last = it.answer("last", 1);
  await parts[0];
  expect(it.answers.turn(asker)).toBeUndefined();
  it.done.push("asker");
  await Promise.all([first, last]);
  expect(it.done).toEqual(["first", "asker", "last"]);
});

test("small answers go before great ones that wait, also in the rest after one, and of each kind the first first", async () => {
  const it = world();
  const all = [it.great("great 1", 500), it.great("great 2", 500), it.great("great 3", 500)];
  all.push(it.answer("small 1", 1), it.answer("small 2", 1));
  await nextTurn();
  all.push(it.answer("small 3", 1));
  await Promise.all(all);
  expect(it.done).toEqual(["great 1", "small 1", "small 2", "small 3", "great 2", "great 3"]);
});

test("a great answer waits for 100 small ones at most", async () => {
  const it = world();
  const all = [it.answer("first", 200), it.great("great", 30)];
  all.push(...names(250).map((name) => it.answer(name, 1)));
  await Promise.all(all);
  expect(it.done.indexOf("great")).toBe(101);
});
