/**
 * Goal: requests that share a reading have its answer whatever becomes of one of them, and the room counts
 * its bytes once. Method: bytes are counted, and time is advanced by hand.
 */
import { expect, test } from "vitest";
import { AnswerRoom } from "./answer-room.ts";
import { SharedReading } from "./shared-reading.ts";

const MB = 1_000_000;

function world() {
  const timers = new Set<() => void>();
  const startTimer = (_ms: number, run: () => void) => {
    timers.add(run);
    return () => timers.delete(run);
  };
  const room = new AnswerRoom({ bytesMax: 10 * MB, startTimer });
  const runOut = () => {
    for (const run of [...timers]) run();
  };
  const [other, ann, bob, cid] = [room.begin(), room.begin(), room.begin(), room.begin()];
  const reading = new SharedReading(ann);
  const parts = [reading.first, reading.join(bob), reading.join(cid)];
  const leave = () => {
    for (const part of parts) reading.leave(part);
  };
  return { room, timers, runOut, other, ann, bob, cid, reading, parts, leave };
}

async function outcomeOf(reading: Promise<void> | undefined): Promise<string> {
  const waits = new Promise<string>((resolve) => setImmediate(() => resolve("waits")));
  const read = Promise.resolve(reading).then(
    () => "read",
    (error: Error) => error.message,
  );
  return Promise.race([read, waits]);
}

const NO_ROOM = "had answered more than there was room for";

test("when one who pays hangs up, the next pays, and nothing is counted twice or for good", async () => {
  const { room, ann, bob, cid, reading, parts, leave } = world();
  expect(await outcomeOf(reading.read(2 * MB))).toBe("read");
  ann.end();
  expect(room.bytes).toBe(2 * MB);
  expect(await outcomeOf(reading.read(MB))).toBe("read");
  expect([ann.counted, bob.counted, room.bytes]).toEqual([0, 3 * MB, 3 * MB]);
  expect(reading.copy(parts[1]!, 3 * MB)).toBe(undefined);
  expect(await outcomeOf(reading.copy(parts[2]!, 3 * MB))).toBe("read");
  expect(room.bytes).toBe(6 * MB);
  bob.end();
  expect(room.bytes).toBe(6 * MB);
  leave();
  cid.end();
  expect(room.bytes).toBe(0);
});

test("when one hangs up while there is no room, the next waits in its place", async () => {
  const { room, timers, other, ann, bob, cid, reading, leave } = world();
  void other.read(9 * MB);
  const more = reading.read(2 * MB);
  ann.end();
  expect([await outcomeOf(more), timers.size]).toEqual(["waits", 1]);
  other.end();
  expect([await outcomeOf(more), timers.size]).toEqual(["read", 0]);
  expect([bob.counted, room.bytes]).toEqual([2 * MB, 2 * MB]);
  leave();
  for (const holding of [bob, cid]) holding.end();
  expect(room.bytes).toBe(0);
});

test("without room for any of them all are refused after one wait", async () => {
  const { room, timers, runOut, other, ann, bob, cid, reading, leave } = world();
  void other.read(9 * MB);
  const more = reading.read(2 * MB);
  const outcome = outcomeOf(more);
  runOut();
  expect([await outcome, timers.size]).toEqual([NO_ROOM, 0]);
  expect([ann, bob, cid].map(({ isRefused }) => isRefused)).toEqual([true, true, true]);
  leave();
  for (const holding of [ann, bob, cid]) holding.end();
  expect(room.bytes).toBe(9 * MB);
});

test("what is too large for one, because of its other answers, is read for the others", async () => {
  const { ann, bob, reading, parts } = world();
  void ann.read(9 * MB);
  expect(await outcomeOf(reading.read(1.5 * MB))).toBe("waits");
  expect(bob.counted).toBe(0);
  ann.end();
  expect(await outcomeOf(undefined)).toBe("read");
  expect([parts[0]!.why?.message, bob.counted]).toEqual([
    "answered more than one request may read",
    1.5 * MB,
  ]);
});

test("when the last has gone, the reading fails and holds nothing", async () => {
  const { room, ann, bob, cid, reading, leave } = world();
  expect(await outcomeOf(reading.read(2 * MB))).toBe("read");
  for (const holding of [bob, cid, ann]) holding.end();
  expect(await outcomeOf(reading.read(MB))).toBe(NO_ROOM);
  leave();
  expect(room.bytes).toBe(0);
});
