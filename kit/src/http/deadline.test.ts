/**
 * Goal: a request's handler, and all work that it begins, knows the time left. A request that comes too late
 * is not begun. Method: a server with one route.
 */
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createLogger } from "../process/log.ts";
import {
  currentDeadlineAtMs,
  DEADLINE_HEADER,
  keepDeadlines,
  readDeadlineMs,
  withDeadline,
  withinDeadlineMs,
} from "./deadline.ts";
import { createApp } from "./server.ts";

let runs = 0;
const app = createApp(createLogger("test", "silent"));
beforeAll(async () => {
  keepDeadlines(app);
  app.post("/", async () => {
    runs++;
    await delay(5);
    const atMs = currentDeadlineAtMs();
    return { leftMs: atMs === undefined ? null : atMs - performance.now() };
  });
  await app.ready();
});
afterAll(() => app.close());

async function ask(header?: string) {
  const headers = header === undefined ? {} : { [DEADLINE_HEADER]: header };
  const answer = await app.inject({ method: "POST", url: "/", payload: { any: "body" }, headers });
  return { status: answer.statusCode, ...answer.json() };
}

test("what is left is known where the request is served", async () => {
  const { leftMs } = await ask("2000");
  expect(leftMs).toBeLessThan(1_996);
  expect(leftMs).toBeGreaterThan(1_500);
});

test.each([undefined, "", "soon", "-1", "1.5", "1e3", "9999999999", "NaN", "5, 6"])(
  "%s says nothing",
  async (header) => {
    expect(await ask(header)).toEqual({ status: 200, leftMs: null });
  },
);

test("a longer time than anybody waits is cut", () => {
  expect(readDeadlineMs("999999999")).toBe(60_000);
  expect(readDeadlineMs(["1", "2"])).toBeUndefined();
});

test("what comes when nothing is left is not begun", async () => {
  runs = 0;
  const { status, errors } = await ask("0");
  expect(status).toBe(408);
  expect(errors).toEqual([expect.objectContaining({ extensions: { code: "DEADLINE_EXCEEDED" } })]);
  expect(runs).toBe(0);
});

test("a limit of one's own is cut to what is left, and to no less than 1", () => {
  expect(withinDeadlineMs(700)).toBe(700);
  expect(withDeadline(10_000, () => withinDeadlineMs(700))).toBe(700);
  expect(withDeadline(500, () => withinDeadlineMs(700))).toBeCloseTo(500, -1);
  expect(withDeadline(0, () => withinDeadlineMs(700))).toBe(1);
});
