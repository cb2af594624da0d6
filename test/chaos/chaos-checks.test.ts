/** Goal: a chaos run measures and judges right. Method: its parts on cases made by hand. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createRandom } from "../harness/random.ts";
import type { CityFacts } from "../history/city-facts.ts";
import type { Operation, ShopAnswer, ShopRequest } from "../history/operations.ts";
import { readServiceLogs } from "./service-logs.ts";
import { unacknowledged } from "./unacknowledged.ts";
import { downSpans, overlapMs, union } from "./uptime.ts";

const city: CityFacts = {
  cityId: "a",
  levels: [],
  movements: [],
  orders: [{ id: "a:x", clientId: "a:1", key: "k", total: 5, payment: "WALLET", cancelledBy: null }],
  allocations: [],
  transfers: [],
  walletEntries: [
    { id: 1, clientId: "a:1", amount: 5, reason: "TOP_UP", transactionId: null, key: "t" },
    { id: 2, clientId: "a:1", amount: -5, reason: "PURCHASE", transactionId: "a:x", key: null },
  ],
  wallets: [{ clientId: "a:1", balance: 0 }],
};
const none = new Set<string>();

function placed(answer: ShopAnswer): Operation {
  const request: ShopRequest = { kind: "place", clientId: "a:1", lines: [], payment: "WALLET", key: "k" };
  return { request, answer, startMs: 0, endMs: 1, tries: 1, wasUnclear: false };
}
const toppedUp: Operation = {
  ...placed({ kind: "happened", id: "1" }),
  request: { kind: "topUp", clientId: "a:1", amount: 5, key: "t" },
};

test("an order and a charge that nobody was told of, or that was refused, are found", () => {
  expect(unacknowledged([toppedUp, placed({ kind: "happened", id: "a:x" })], [city], none)).toEqual([]);
  const order = expect.stringMatching(/^happened, and nobody was told: .*"a:x"/);
  expect(unacknowledged([toppedUp], [city], none)).toEqual([order]);
  expect(unacknowledged([toppedUp, placed({ kind: "refused", why: "OutOfStock" })], [city], none)).toEqual([
    order,
  ]);
  expect(unacknowledged([], [city], none)).toHaveLength(2);
  expect(unacknowledged([], [city], new Set(["a:x", "top-up a #1"]))).toEqual([]);
});

test("a delivery that nobody was told of, or can say anything of, is found", () => {
  const change = { reason: "RESTOCKED", onHandChange: 9, reservedChange: 0 } as const;
  const movement = { id: 1, productId: "1", ...change, transactionId: null, key: "r" };
  const restocked: CityFacts = { ...city, orders: [], walletEntries: [], movements: [movement] };
  const operation: Operation = {
    ...placed({ kind: "happened", id: null }),
    request: { kind: "restock", cityId: "a", productId: "1", quantity: 9, key: "r" },
  };
  const untold = expect.stringMatching(/^happened, and nobody was told: .*"key":"r"/);
  expect(unacknowledged([operation], [restocked], none)).toEqual([]);
  expect(unacknowledged([], [restocked], none)).toEqual([untold]);
  const unknown: Operation = { ...operation, answer: { kind: "unknown", why: "OutcomeUnknown" } };
  expect(unacknowledged([unknown], [restocked], none)).toEqual([
    expect.stringContaining("nobody can say"),
    untold,
  ]);
});

test("a key that nobody can say anything of is found", () => {
  const unknown = placed({ kind: "unknown", why: "OutcomeUnknown" });
  expect(unacknowledged([unknown], [city], new Set(["a:x", "top-up a #1"]))).toEqual([
    expect.stringContaining("nobody can say"),
  ]);
});

test("the time that a city was down: its service, its database or its wires, each moment once", () => {
  const notReady = new Map([
    ["city-a", [{ startMs: 10, endMs: 30 }]],
    ["postgres-a", [{ startMs: 20, endMs: 40 }]],
    ["city-b", [{ startMs: 0, endMs: 100 }]],
  ]);
  const faults = [
    { fault: { kind: "silence", target: "city-a", forMs: 10 }, startMs: 60, endMs: 70 },
    { fault: { kind: "delay", target: "city-a", forMs: 10, delayMs: 1 }, startMs: 80, endMs: 90 },
  ] as const;
  const down = downSpans("a", notReady, faults);
  expect(down).toEqual([
    { startMs: 10, endMs: 40 },
    { startMs: 60, endMs: 70 },
  ]);
  expect(overlapMs({ startMs: 35, endMs: 65 }, down)).toBe(10);
  expect(union([])).toEqual([]);
});

test("alarms, lost transactions and conflicts are read from the logs, cut lines are not", async () => {
  const directory = await mkdtemp(join(tmpdir(), "teranga-logs-"));
  const line = (record: object) => `${JSON.stringify(record)}\n`;
  try {
    const alarm = line({ level: 60, msg: "broken", alarm: "PROTOCOL_VIOLATION" });
    const lost = line({ level: 50, msg: "failed", err: { code: "40P01" } });
    await writeFile(
      join(directory, "city-a.log"),
      `${line({ level: 30, msg: "fine" })}${alarm}${lost}{"level":60,"ms`,
    );
    await writeFile(join(directory, "postgres-a.log"), "LOG: fine\nERROR:  deadlock detected\n");
    const { alarms, lostTransactions, conflicts, errors } = await readServiceLogs(directory);
    expect([alarms.length, lostTransactions.length, conflicts]).toEqual([1, 1, 1]);
    expect(Object.fromEntries(errors)).toEqual({ broken: 1, "failed (40P01)": 1 });
  } finally {
    await rm(directory, { recursive: true });
  }
});

test("the same seed draws the same, another one something else", () => {
  const draw = (seed: string) => {
    const random = createRandom(seed);
    return Array.from({ length: 20 }, () => random.between(1, 6));
  };
  expect(draw("1")).toEqual(draw("1"));
  expect(draw("1")).not.toEqual(draw("2"));
  expect(Math.min(...draw("3"))).toBeGreaterThanOrEqual(1);
  expect(Math.max(...draw("3"))).toBeLessThanOrEqual(6);
  const random = createRandom("fork");
  random.fork("name").next();
  expect(random.next()).toBe(createRandom("fork").next());
});
