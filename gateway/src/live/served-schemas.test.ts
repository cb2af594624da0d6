/**
 * Goal: asking a thousand services for their schemas is cheap, and no schema is used unchecked. Method: a
 * network that counts.
 */

import { type Send, TransportError } from "@teranga/kit/http/transport.ts";
import type { Logger } from "@teranga/kit/process/log.ts";
import { parseTopology } from "@teranga/kit/topology/topology.ts";
import { beforeEach, expect, test } from "vitest";
import { ServedSchemas } from "./served-schemas.ts";

const OLD = "type Query { a: Int }";
const NEW = "type Query { a: Int b: Int }";

function topologyOf(count: number) {
  const partitions = Array.from({ length: count }, (_, index) => [
    `p${index}`,
    { name: "x", default: index === 0, location: { latitude: 0, longitude: 0 }, urls: [`http://p${index}/`] },
  ]);
  const city = { partitions: Object.fromEntries(partitions) };
  return parseTopology(JSON.stringify({ subgraphs: { city } }));
}

let asked: string[];
let pausesMs: number[];
let underWayMax: number;
let underWay: number;
let answer: (host: string) => unknown;
let lines: string[];
let served: ServedSchemas;
const never = new AbortController().signal;

beforeEach(() => {
  asked = [];
  pausesMs = [];
  lines = [];
  underWayMax = 0;
  underWay = 0;
  answer = () => ({ data: { _service: { sdl: OLD } } });
  const send: Send = async (url) => {
    const { host } = new URL(url);
    asked.push(host);
    underWayMax = Math.max(underWayMax, ++underWay);
    await Promise.resolve();
    underWay--;
    const given = answer(host);
    if (given instanceof Error) throw given;
    return given as Awaited<ReturnType<Send>>;
  };
  let nowMs = 0;
  served = new ServedSchemas({
    send,
    log: { error: (_: object, line: string) => lines.push(line) } as unknown as Logger,
    nowMs: () => nowMs++,
    delay: async (ms) => void pausesMs.push(ms),
  });
});

const round = async (signal = never) => {
  let changes = 0;
  await served.round(async () => void changes++, signal);
  return changes;
};

test("a round asks everybody once, 16 at a time, twice a second", async () => {
  served.setTopology(topologyOf(1_024));
  expect(await round()).toBe(64);
  expect([asked.length, new Set(asked).size, underWayMax]).toEqual([1_024, 1_024, 16]);
  expect(pausesMs).toEqual(Array(63).fill(500));
  // An unchanged schema is no change.
  expect(await round()).toBe(0);
  expect(new Set(served.of("city").map(({ sdl }) => sdl))).toEqual(new Set([OLD]));
});

test("a round that is ended early goes on where it was left, and begins with those who are new", async () => {
  served.setTopology(topologyOf(40));
  await round();
  const ending = new AbortController();
  asked = [];
  answer = (host) => {
    if (host === "p3") ending.abort();
    return { data: { _service: { sdl: NEW } } };
  };
  expect(await round(ending.signal)).toBe(1);
  expect(asked).toHaveLength(16);
  served.setTopology(topologyOf(41));
  asked = [];
  await round();
  expect(asked.slice(0, 2)).toEqual(["p40", "p16"]);
  expect(asked.at(-1)).toBe("p15");
});

test("who is down has not changed; who has never been heard does not count", async () => {
  served.setTopology(topologyOf(3));
  answer = (host) =>
    host === "p2" ? new TransportError("refused", "down") : { data: { _service: { sdl: OLD } } };
  await round();
  answer = (host) =>
    host === "p0" ? new TransportError("unknown", "silent") : { data: { _service: { sdl: NEW } } };
  await round();
  expect(served.of("city")).toEqual([
    { partition: "p0", sdl: OLD },
    { partition: "p1", sdl: NEW },
    { partition: "p2", sdl: NEW },
  ]);
  served.setTopology(topologyOf(2));
  expect(served.of("city")).toHaveLength(2);
});

test.each([
  ["something else", { data: { _service: { sdl: "<html>" } } }, "Syntax Error"],
  ["no SDL", { data: { _service: { sdl: 7 } } }, "it has no _service"],
  ["an error", { errors: [{ message: "who are you?" }] }, "who are you?"],
  ["far too much", { data: { _service: { sdl: `#${"x".repeat(2_000_000)}` } } }, "it has 2000001 characters"],
])("who answers %s is not believed, with one line", async (_what, given, message) => {
  served.setTopology(topologyOf(1));
  await round();
  answer = () => given;
  expect([await round(), await round()]).toEqual([0, 0]);
  expect(lines).toEqual([expect.stringContaining(message)]);
  expect(served.faultOf("city")).toBe(lines[0]);
  expect(served.of("city")).toEqual([{ partition: "p0", sdl: OLD }]);
  answer = () => ({ data: { _service: { sdl: NEW } } });
  expect(await round()).toBe(1);
  expect(served.faultOf("city")).toBeUndefined();
});
