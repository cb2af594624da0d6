/** Messages that travel together, in time that a test controls. */
import { TransportError } from "@teranga/kit/http/transport.ts";
import {
  BATCH_MAX,
  HANGING_MS,
  REQUESTS_MAX,
  WAITING_MAX,
  WEIGHT_MAX,
} from "@teranga/protocol/orchestrator/message-lane.ts";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { atRest } from "../../../kit/test/virtual-time.ts";
import { laneUnderTest, type Sent } from "../test/lane-under-test.ts";

const messagesOf = (sent: readonly Sent[]) => sent.map(({ messages }) => messages);
const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe("a message alone", () => {
  test("leaves before any time has passed, without a timer, with its own deadline", async () => {
    const { time, sent, ask } = laneUnderTest();
    const asked = ask(1, 700);
    await atRest();
    expect(sent).toMatchObject([{ messages: [1], deadlineMs: 700 }]);
    expect(time.waiting).toBe(0);
    sent[0]!.answer();
    await atRest();
    expect(asked).toMatchObject({ ends: ["answer to 1"], endedAtMs: 0 });
    expect(time.waiting).toBe(0);
  });

  test("does not wait for the next one either", async () => {
    const { sent, ask } = laneUnderTest();
    for (const message of [1, 2, 3]) {
      ask(message);
      await atRest();
      sent.at(-1)!.answer();
      await atRest();
    }
    expect(messagesOf(sent)).toEqual([[1], [2], [3]]);
  });
});

test("messages of one turn of the event loop leave together, as those that an earlier batch has led to", async () => {
  const { sent, ask } = laneUnderTest();
  ask(1);
  await Promise.resolve().then(() => ask(2));
  process.nextTick(() => ask(3));
  await atRest();
  expect(messagesOf(sent)).toEqual([[1, 2]]);
});

describe("messages that come while a request is under way", () => {
  test("leave together when it ends, in their order, with the deadline of the longest", async () => {
    const { time, sent, ask } = laneUnderTest();
    ask(1);
    await atRest();
    const asked = [ask(2, 500), ask(3, 900)];
    await time.pass(50);
    expect(messagesOf(sent)).toEqual([[1]]);
    sent[0]!.answer();
    await atRest();
    expect(sent[1]).toMatchObject({ messages: [2, 3], deadlineMs: 850 });
    sent[1]!.answer();
    await atRest();
    expect(asked.map(({ ends }) => ends)).toEqual([["answer to 2"], ["answer to 3"]]);
  });

  test(`leave ${BATCH_MAX} at a time`, async () => {
    const { sent, ask } = laneUnderTest();
    ask(0);
    await atRest();
    for (const message of numbers(1, 250)) ask(message);
    for (let k = 0; k < 4; k++) {
      sent[k]!.answer();
      await atRest();
    }
    expect(messagesOf(sent)).toEqual([[0], numbers(1, 100), numbers(101, 200), numbers(201, 250)]);
  });

  test("leave as many as do not weigh too much; a heavy one travels alone", async () => {
    const { sent, ask } = laneUnderTest({ weigh: (message) => message });
    ask(1);
    await atRest();
    for (const message of [400, 600, 1, 5 * WEIGHT_MAX, 999, 1]) ask(message);
    for (let k = 0; k < 5; k++) {
      sent[k]!.answer();
      await atRest();
    }
    expect(messagesOf(sent)).toEqual([[1], [400, 600], [1], [5 * WEIGHT_MAX], [999, 1]]);
  });

  test("do not wait for one that hangs, of which there are only so many", async () => {
    const { time, sent, ask } = laneUnderTest();
    for (let k = 1; k <= 6; k++) {
      ask(k);
      await time.pass(HANGING_MS / 2);
      ask(10 * k);
      await time.pass(HANGING_MS / 2);
    }
    expect(messagesOf(sent)).toEqual([[1], [10], [2, 20], [3, 30]]);
    expect(sent).toHaveLength(REQUESTS_MAX);
    sent[2]!.answer();
    await atRest();
    expect(messagesOf(sent).at(-1)).toEqual([4, 40, 5, 50, 6, 60]);
  });

  test(`are refused at once when ${WAITING_MAX} wait`, async () => {
    const { sent, ask } = laneUnderTest();
    ask(0);
    await atRest();
    for (const message of numbers(1, WAITING_MAX)) ask(message);
    const beyond = ask(9_999);
    await atRest();
    expect(beyond.ends).toEqual(["refused"]);
    sent[0]!.answer();
    await atRest();
    expect(ask(10_000).ends).toEqual([]);
  });
});

describe("a deadline", () => {
  test("that passes while the message waits: it is refused, then, and never sent", async () => {
    const { time, sent, ask } = laneUnderTest();
    ask(1);
    await atRest();
    const [early, late] = [ask(2, 60), ask(3, 90)];
    await time.pass(70);
    expect([early, late.ends]).toMatchObject([{ ends: ["refused"], endedAtMs: 60 }, []]);
    sent[0]!.answer();
    await atRest();
    expect(messagesOf(sent)).toEqual([[1], [3]]);
  });

  test("that is earlier than a timer that runs is kept all the same", async () => {
    const { time, ask } = laneUnderTest();
    ask(1);
    await atRest();
    ask(2, 80);
    const early = ask(3, 30);
    await time.pass(200);
    expect(early.endedAtMs).toBe(30);
  });

  test("that passes after the message has left: nobody knows; its companions go on", async () => {
    const { time, sent, ask } = laneUnderTest();
    ask(1);
    await atRest();
    const [early, late] = [ask(2, 300), ask(3, 900)];
    await time.pass(50);
    sent[0]!.answer();
    await time.pass(600);
    expect([early, late.ends]).toMatchObject([{ ends: ["unknown"], endedAtMs: 300 }, []]);
    sent[1]!.answer();
    await atRest();
    expect([early.ends, late.ends]).toEqual([["unknown"], ["answer to 3"]]);
  });

  test("leaves no timer behind", async () => {
    const { time, sent, ask } = laneUnderTest();
    for (let k = 0; k < 50; k++) {
      ask(k, 1_000 - k);
      await time.pass(1);
      expect(time.waiting).toBeLessThanOrEqual(3);
      if (k % 7 === 0) sent.at(-1)!.answer();
    }
    for (const { answer } of sent) answer();
    await time.pass(5_000);
    for (const { answer } of sent) answer();
    await time.pass(5_000);
    expect(time.waiting).toBe(0);
  });
});

test("timers do not become more with deadlines that are each earlier than the last", async () => {
  const { time, sent, ask } = laneUnderTest();
  ask(0, 10_000);
  await atRest();
  for (const deadlineMs of [5_000, 4_000]) ask(0, deadlineMs);
  for (let k = 0; k < 20; k++) ask(k, 280 - k);
  await time.pass(1_000);
  expect(sent).toHaveLength(2);
  expect(time.waiting).toBe(1);
});

describe("of a request's answers", () => {
  async function twoOf(end: (request: Sent) => void) {
    const { sent, ask } = laneUnderTest();
    ask(1);
    await atRest();
    const asked = [ask(2), ask(3)];
    sent[0]!.answer();
    await atRest();
    end(sent[1]!);
    await atRest();
    // Whatever happened, the lane still works.
    ask(4);
    await atRest();
    expect(messagesOf(sent).at(-1)).toEqual([4]);
    return asked.map(({ ends }) => ends);
  }
  const unknown = new TransportError("unknown", "the entry failed");

  test("a bad one is its own message's failure alone", async () => {
    expect(await twoOf(({ answer }) => answer([unknown, "fine"]))).toEqual([["unknown"], ["fine"]]);
  });

  test("a missing one is its own message's failure alone", async () => {
    expect(await twoOf(({ answer }) => answer(["fine"]))).toEqual([["fine"], ["unknown"]]);
  });

  test.each(["refused", "unknown"] as const)("none, since it was %s: so is each message", async (effect) => {
    const failure = new TransportError(effect, "the network");
    expect(await twoOf(({ fail }) => fail(failure))).toEqual([[effect], [effect]]);
  });

  test("none, by a fault of ours: nobody knows", async () => {
    expect(await twoOf(({ fail }) => fail(new TypeError("a fault")))).toEqual([["unknown"], ["unknown"]]);
  });
});

test("whatever comes when and however it is answered, each message ends once, in time, and as it went", async () => {
  const anyEnd = fc.constantFrom("answer", "entry", "refused", "unknown", "hang");
  const step = fc.record({
    waitMs: fc.integer({ min: 0, max: 80 }),
    asks: fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 4 }),
    /** How the oldest open request ends, if there is one. */
    end: fc.option(anyEnd, { nil: undefined }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { time, sent, ask } = laneUnderTest({ hasDeadlines: true });
      const asked: { message: number; ends: string[]; endedAtMs: number; dueAtMs: number }[] = [];
      const ended = new Set<Sent>();
      for (const { waitMs, asks, end } of steps) {
        for (const deadlineMs of asks) {
          const call = ask(asked.length, deadlineMs);
          asked.push(Object.assign(call, { dueAtMs: time.nowMs + deadlineMs }));
        }
        await time.pass(waitMs);
        const open = sent.find((request) => !ended.has(request));
        if (!open || end === undefined || end === "hang") continue;
        ended.add(open);
        if (end === "answer") open.answer();
        else if (end === "entry") {
          const failing = (message: number) => message % 2 === 0;
          const failure = new TransportError("unknown", "entry");
          open.answer(open.messages.map((m) => (failing(m) ? failure : `answer to ${m}`)));
        } else open.fail(new TransportError(end, end));
        await atRest();
      }
      await time.pass(2 * 400);

      const travelled = sent.flatMap(({ messages }) => messages);
      expect(new Set(travelled).size).toBe(travelled.length);
      expect(travelled).toEqual(travelled.toSorted((a, b) => a - b));
      for (const { message, ends, endedAtMs, dueAtMs } of asked) {
        expect(ends).toHaveLength(1);
        expect([`answer to ${message}`, "refused", "unknown"]).toContain(ends[0]);
        if (!travelled.includes(message)) expect(ends).toEqual(["refused"]);
        expect(endedAtMs).toBeLessThanOrEqual(dueAtMs);
      }
    }),
    { numRuns: 300 },
  );
});
