/**
 * Goal: what a gateway keeps is served only while it is proven that all changes were told. Method: virtual
 * time, and instances whose answers are given one by one.
 */
import type { ChangesAnswer } from "@teranga/kit/outbox/changes-answer.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import { parseTopology } from "@teranga/kit/topology/topology.ts";
import { afterEach, expect, test } from "vitest";
import { ChangeFeed } from "./change-feed.ts";

const topologyOf = (...urls: string[]) =>
  parseTopology(JSON.stringify({ subgraphs: { catalog: { replicas: urls } } }));

interface Asked {
  url: string;
  answer: (said?: Partial<ChangesAnswer>) => Promise<void>;
  fail: (reason?: string) => Promise<void>;
}

let closings: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closings.map((close) => close()));
  closings = [];
});

function follow(...urls: string[]) {
  let nowMs = 0;
  const told: unknown[][] = [];
  const asked: Asked[] = [];
  const lines: string[] = [];
  const waits = new Set<() => void>();
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  /** What the stream tells, by the number of the cursor. */
  const streamed = new Map<number, ChangesAnswer>();
  const feed = new ChangeFeed({
    get: (url, query) => {
      const { promise, resolve, reject } = Promise.withResolvers<ChangesAnswer>();
      const whole = {
        epoch: "a",
        number: 0,
        isGap: false,
        position: "1.10",
        confirmed: "1.9",
        ageMs: 0,
        waitedMs: 250,
      };
      asked.push({
        url: url + query,
        answer: (said) => {
          resolve({ ...whole, changes: [], ...said });
          return settle();
        },
        fail: (reason = "no answer") => {
          reject(new Error(reason));
          return settle();
        },
      });
      return promise;
    },
    streams: { get: async (_place, { number }) => streamed.get(number) },
    cache: {
      invalidate: (place, tags, { lsn }) => told.push(["invalidate", place, tags, lsn]),
      dropPlace: (place, { lsn }) => told.push(["dropPlace", place, lsn]),
      confirm: (place, { lsn }) => told.push(["confirm", place, lsn]),
    },
    log: createLogger("test", "info", { write: (line) => lines.push(JSON.parse(line).msg) }),
    nowMs: () => nowMs,
    startWait() {
      const { promise: over, resolve } = Promise.withResolvers<void>();
      const end = () => {
        waits.delete(end);
        resolve();
      };
      waits.add(end);
      return { over, end };
    },
  });
  feed.setTopology(topologyOf(...urls));
  feed.follow("catalog");
  feed.follow("catalog");
  const isServed = () => feed.mayServe("catalog");
  closings.push(async () => {
    const closed = feed.close();
    for (const { fail } of asked) await fail();
    await closed;
  });
  return {
    feed,
    streamed,
    told,
    lines,
    isServed,
    /** The request that waits for its answer. */
    last: () => asked.at(-1)!,
    count: () => asked.length,
    pass(ms: number) {
      nowMs += ms;
    },
    async wake() {
      for (const end of waits) end();
      await settle();
    },
  };
}

const ONE = "http://127.0.0.1:1/graphql";
const TWO = "http://127.0.0.1:2/graphql";

test("nothing is served before an instance has answered, and what was kept before then is dropped", async () => {
  const { told, isServed, last } = follow(ONE);
  expect([isServed(), last().url]).toEqual([false, "http://127.0.0.1:1/changes"]);
  await last().answer({ isGap: true, number: 3 });
  expect(told).toEqual([
    ["dropPlace", "catalog", 10],
    ["confirm", "catalog", 9],
  ]);
  expect([isServed(), last().url]).toEqual([true, "http://127.0.0.1:1/changes?epoch=a&number=3"]);
});

test("a stream is asked first, and the service for what the stream does not tell", async () => {
  const { streamed, told, last, count } = follow(ONE);
  const answer = { epoch: "a", isGap: false, position: "1.20", confirmed: "1.20", ageMs: 0, waitedMs: 250 };
  streamed.set(3, { ...answer, number: 4, changes: [["Product", "7", "1.20"]] });
  await last().answer({ isGap: true, number: 3 });
  expect(told.slice(2)).toEqual([
    ["invalidate", "catalog", ["Product:7", "Product"], 20],
    ["confirm", "catalog", 20],
  ]);
  expect([count(), last().url]).toEqual([2, "http://127.0.0.1:1/changes?epoch=a&number=4"]);
});

test("a change is told to its row and to what lists its type, at its position, and then the proof", async () => {
  const { told, last } = follow(ONE);
  await last().answer({
    number: 3,
    confirmed: "1.30",
    changes: [
      ["Product", "7", "1.20"],
      ["Product", null, "1.25"],
    ],
  });
  expect(told).toEqual([
    ["invalidate", "catalog", ["Product:7", "Product"], 20],
    ["dropPlace", "catalog", 25],
    ["confirm", "catalog", 30],
  ]);
});

test("a proof is good for a second, from when the service read its database", async () => {
  const { isServed, last, pass } = follow(ONE);
  // Asked at 0, held for 250 ms; the service had read 100 ms before it answered. The answer arrives at 400.
  pass(400);
  await last().answer({ waitedMs: 250, ageMs: 100 });
  pass(749);
  expect(isServed()).toBe(true);
  pass(1);
  expect(isServed()).toBe(false);
  await last().answer({ waitedMs: 250, ageMs: 0 });
  expect(isServed()).toBe(true);
});

test("an answer that was not held is not asked for again at once: a service cannot make a gateway spin", async () => {
  const { last, count, wake } = follow(ONE);
  await last().answer({ waitedMs: 0 });
  expect(count()).toBe(1);
  await wake();
  expect(count()).toBe(2);
});

test("an instance that fails is asked once more and then the next, whose epoch is another one", async () => {
  const { told, lines, isServed, last, wake, pass } = follow(ONE, TWO);
  await last().answer({ number: 1 });
  pass(100);
  await last().fail();
  expect(last().url).toBe("http://127.0.0.1:1/changes?epoch=a&number=1");
  await last().fail();
  await wake();
  expect([last().url, isServed()]).toEqual(["http://127.0.0.1:2/changes", true]);
  await last().answer({ epoch: "b", number: 8, isGap: true, position: "1.50" });
  expect(told.filter(([kind]) => kind === "dropPlace")).toEqual([["dropPlace", "catalog", 50]]);
  expect(last().url).toBe("http://127.0.0.1:2/changes?epoch=b&number=8");
  expect(lines).toEqual([
    "changes are not told; the cache is not used for this place",
    "changes are followed again",
  ]);
});

test("a short silence loses nothing; after ten seconds what was kept is dropped", async () => {
  const { told, isServed, last, wake, pass } = follow(ONE);
  await last().answer({ number: 1 });
  pass(5_000);
  await last().fail();
  await last().fail();
  await wake();
  expect(isServed()).toBe(false);
  await last().answer({ number: 1 });
  expect([isServed(), told.some(([kind]) => kind === "dropPlace")]).toEqual([true, false]);
  pass(10_251);
  await last().fail();
  expect(told.at(-1)).toEqual(["dropPlace", "catalog", 10]);
  expect(last().url).toBe("http://127.0.0.1:1/changes");
});

test("an answer that is not to be read is a failure", async () => {
  const { told, isServed, last } = follow(ONE);
  await last().answer({ confirmed: "now" });
  expect([isServed(), told]).toEqual([false, []]);
});

test("followers come and go with the topology; places that it does not name are served as they are", async () => {
  const { feed, isServed, last } = follow(ONE);
  await last().answer({ number: 1 });
  feed.setTopology(topologyOf(TWO));
  await last().answer({ number: 1 });
  expect(last().url).toBe("http://127.0.0.1:2/changes");
  expect(feed.mayServe("foreign")).toBe(true);
  feed.follow("foreign");
  feed.setTopology(undefined);
  await last().answer({ number: 1 });
  feed.setTopology(topologyOf(ONE));
  expect(isServed()).toBe(false);
});
