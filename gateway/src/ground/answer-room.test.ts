/**
 * Goal: the bytes of services' answers are bounded over all requests. The oldest request always finishes, and
 * small requests and mutations never wait. Method: bytes are counted, and time is advanced by hand.
 */
import { expect, test } from "vitest";
import { AnswerRoom, type Holding } from "./answer-room.ts";

const MB = 1_000_000;

function world(bytesMax = 10 * MB) {
  const timers = new Set<() => void>();
  const startTimer = (_ms: number, run: () => void) => {
    timers.add(run);
    return () => timers.delete(run);
  };
  const room = new AnswerRoom({ bytesMax, startTimer });
  const runOut = () => {
    for (const run of [...timers]) run();
  };
  return { room, timers, runOut };
}

/** The outcome of a reading so far. */
function outcomeOf(reading: Promise<void> | undefined) {
  const outcome = { state: reading ? "waits" : "read" };
  reading?.then(
    () => Object.assign(outcome, { state: "read" }),
    (error: Error) => Object.assign(outcome, { state: error.message }),
  );
  return outcome;
}

const read = (holding: Holding, bytes: number) => outcomeOf(holding.read(bytes));
const settled = () => new Promise((resolve) => setImmediate(resolve));

test("small requests take no room and never wait", () => {
  const { room } = world();
  expect(read(room.begin(), 10 * MB).state).toBe("read");
  for (let count = 0; count < 1_000; count++) expect(read(room.begin(), 200_000).state).toBe("read");
  expect(room.bytes).toBe(10 * MB);
});

test("a great one waits until there is room, and begins with all that it has read", async () => {
  const { room, timers } = world();
  const [first, second] = [room.begin(), room.begin()];
  expect(read(first, 8 * MB).state).toBe("read");
  expect(read(second, 200_000).state).toBe("read");
  const more = read(second, 4 * MB);
  await settled();
  expect([more.state, room.bytes]).toEqual(["waits", 8 * MB]);
  first.end();
  await settled();
  expect([more.state, room.bytes, timers.size]).toEqual(["read", 4.2 * MB, 0]);
  second.end();
  expect(room.bytes).toBe(0);
});

test("the oldest goes on whatever others hold; together it is twice the bound at most", async () => {
  const { room } = world();
  const holdings = [room.begin(), room.begin(), room.begin()];
  const [first, second, third] = holdings as [Holding, Holding, Holding];
  for (const holding of holdings) expect(read(holding, 3 * MB).state).toBe("read");
  const waiting = [read(second, 3 * MB), read(third, 3 * MB)];
  expect(read(first, 7 * MB).state).toBe("read");
  expect(room.bytes).toBe(16 * MB);
  first.end();
  await settled();
  expect(waiting.map(({ state }) => state)).toEqual(["read", "waits"]);
  second.end();
  await settled();
  expect(waiting.map(({ state }) => state)).toEqual(["read", "read"]);
});

test("one alone has no more than all together", async () => {
  const { room } = world();
  const alone = room.begin();
  expect(read(alone, 9 * MB).state).toBe("read");
  const more = read(alone, 2 * MB);
  await settled();
  expect(more.state).toMatch("more than one request may read");
  expect(alone.isRefused).toBe(false);
});

test("after some time it is refused with all that it reads, and so are too many that wait", async () => {
  const { room, runOut } = world();
  read(room.begin(), 10 * MB);
  const waiting = Array.from({ length: 32 }, () => room.begin());
  const readings = waiting.map((holding) => read(holding, MB));
  const beyond = room.begin();
  const refused = read(beyond, MB);
  await settled();
  expect([beyond.isRefused, refused.state]).toEqual([true, "had answered more than there was room for"]);
  expect(waiting.some(({ isRefused }) => isRefused)).toBe(false);
  runOut();
  await settled();
  expect(waiting.every(({ isRefused }) => isRefused)).toBe(true);
  expect(readings.every(({ state }) => state === refused.state)).toBe(true);
  expect(room.bytes).toBe(10 * MB);
});

test("a mutation counts and never waits", () => {
  const { room } = world();
  read(room.begin(), 10 * MB);
  const mutation = room.begin();
  mutation.mustAnswer = true;
  expect(read(mutation, 30 * MB).state).toBe("read");
  expect(room.bytes).toBe(40 * MB);
  mutation.end();
  expect(room.bytes).toBe(10 * MB);
});

test("what others are yet to copy is held until they have", () => {
  const { room } = world();
  const owner = room.begin();
  read(owner, 5 * MB);
  owner.keep();
  owner.keep();
  owner.end();
  owner.letGo();
  expect(room.bytes).toBe(5 * MB);
  owner.letGo();
  expect(room.bytes).toBe(0);
});

test("a client that goes gives back what it held, and what it waited for", async () => {
  const { room, timers } = world();
  const first = room.begin();
  read(first, 8 * MB);
  const gone = room.begin();
  const more = read(gone, 4 * MB);
  gone.end();
  await settled();
  expect([more.state, timers.size, room.bytes]).toEqual([
    "had answered more than there was room for",
    0,
    8 * MB,
  ]);
  first.end();
  expect(room.bytes).toBe(0);
});
