import { expect, test } from "vitest";
import { Answering, Turns } from "./turns.ts";

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
  const turns = new Turns(async (tookMs) => void rests.push(tookMs));
  await Promise.all([turns.next(1, nextTick), turns.next(1, nextTick)]);
  await nextTick();
  expect(rests).toEqual([expect.any(Number), 0]);
  expect(rests[0]).toBeGreaterThan(0);
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

test("answers are put together in one turn for 20 ms, and then one in a turn", async () => {
  let nowMs = 0;
  const answers = new Answering(() => nowMs);
  const done: string[] = [];
  const answer = async (name: string) => {
    const turn = answers.turn();
    if (turn) await turn;
    done.push(name);
    nowMs += 15;
  };
  const other = nextTick().then(() => done.push("another"));
  await Promise.all([...["a", "b", "c", "d"].map(answer), other]);
  expect(done.slice(0, 2)).toEqual(["a", "b"]);
  expect(done.indexOf("another")).toBeLessThan(done.indexOf("d"));
  await nextTick();
  expect(answers.turn()).toBeUndefined();
});
