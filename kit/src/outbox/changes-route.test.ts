/** Goal: a caller of /changes learns of every change or that it has missed some. Method: virtual time. */
import { expect, test } from "vitest";
import { authorization } from "../http/credential.ts";
import { createApp, serveServices } from "../http/server.ts";
import { createLogger } from "../process/log.ts";
import { changesAnswer } from "./changes-answer.ts";
import { addChangesRoute } from "./changes-route.ts";
import { RecentChanges } from "./recent-changes.ts";

const CREDENTIAL = "credential-of-the-tests";
const at = (lsn: number) => ({ timeline: 1, lsn });

function serve() {
  let nowMs = 1_000;
  const timers = new Set<() => void>();
  const recent = new RecentChanges(() => nowMs);
  const app = createApp(createLogger("test", "silent"));
  serveServices(app, { credential: CREDENTIAL, checkReady: async () => {} });
  const startTimer = (_ms: number, run: () => void) => {
    timers.add(run);
    return () => timers.delete(run);
  };
  const held = addChangesRoute(app, { recent, nowMs: () => nowMs, startTimer });
  const get = (query: string, credential = CREDENTIAL) =>
    app.inject({ url: `/changes${query}`, headers: { authorization: authorization(credential) } });
  return {
    recent,
    held,
    get,
    ask: async (query: string) => changesAnswer.parse((await get(query)).json()),
    change: (lsn: number, ...keys: string[]) =>
      recent.changed({ changes: keys.map((key) => ({ type: "Thing", key })), position: at(lsn) }),
    pass(ms: number) {
      nowMs += ms;
      for (const run of timers) run();
    },
    async untilHeld(count: number) {
      while (held() < count) await new Promise(setImmediate);
    },
  };
}

test("without the service credential nothing is told", async () => {
  expect((await serve().get("", "another-credential")).statusCode).toBe(401);
});

test.each([
  "?epoch=a",
  "?epoch=a&number=-1",
  "?number=1",
  "?epoch=a&number=1&more=1",
  "?epoch=a&epoch=b&number=1",
])("a query that makes no sense is refused: %s", async (query) => {
  const { statusCode, json } = await serve()
    .get(query)
    .then((answer) => ({ ...answer, json: answer.json() }));
  expect([statusCode, json.errors[0].extensions.code]).toEqual([400, "BAD_REQUEST"]);
});

test("while nobody reads the outbox the answer is 503, also for callers that are held", async () => {
  const { get, recent, untilHeld } = serve();
  expect((await get("")).statusCode).toBe(503);
  recent.began("a", { changes: [], position: at(5) });
  const held = get("?epoch=a&number=0");
  await untilHeld(1);
  recent.ended();
  expect((await held).statusCode).toBe(503);
});

test("a caller that comes for the first time, or with another epoch, has a gap", async () => {
  const { ask, recent, change } = serve();
  recent.began("a", { changes: [{ type: "Thing", key: "recent" }], position: at(5) });
  change(7, "1");
  const gap = { epoch: "a", number: 1, isGap: true, position: "1.7", changes: [] };
  expect(await ask("")).toMatchObject(gap);
  expect(await ask("?epoch=b&number=1")).toMatchObject(gap);
  expect(await ask("?epoch=a&number=2")).toMatchObject(gap);
});

test("a caller gets the changes since its number, with their positions, and then waits for the next", async () => {
  const { ask, recent, change, untilHeld, pass } = serve();
  recent.began("a", { changes: [], position: at(5) });
  change(7, "1", "2");
  change(9, "3");
  recent.confirmed(at(8), 990);
  expect(await ask("?epoch=a&number=1")).toEqual({
    epoch: "a",
    number: 3,
    isGap: false,
    position: "1.9",
    confirmed: "1.8",
    ageMs: 10,
    waitedMs: 0,
    changes: [
      ["Thing", "2", "1.7"],
      ["Thing", "3", "1.9"],
    ],
  });
  const next = ask("?epoch=a&number=3");
  await untilHeld(1);
  change(11, "4");
  expect(await next).toMatchObject({ number: 4, changes: [["Thing", "4", "1.11"]] });
  const none = ask("?epoch=a&number=4");
  await untilHeld(1);
  pass(250);
  expect(await none).toMatchObject({ number: 4, isGap: false, changes: [], waitedMs: 250, ageMs: 260 });
});

test("whoever is a thousand changes behind has them all; one more is a gap", async () => {
  const { ask, recent, change } = serve();
  recent.began("a", { changes: [], position: at(5) });
  for (let number = 1; number <= 1_500; number++) change(5 + number, String(number));
  const { changes, isGap } = await ask("?epoch=a&number=500");
  expect([changes.length, changes[0]![1], isGap]).toEqual([1_000, "501", false]);
  expect(await ask("?epoch=a&number=499")).toMatchObject({ isGap: true, changes: [] });
});

test("no more than a hundred requests are held; the next are answered at once", async () => {
  const { ask, recent, untilHeld, held, pass } = serve();
  recent.began("a", { changes: [], position: at(5) });
  const waiting = Array.from({ length: 100 }, () => ask("?epoch=a&number=0"));
  await untilHeld(100);
  expect(await ask("?epoch=a&number=0")).toMatchObject({ number: 0, waitedMs: 0 });
  pass(250);
  await Promise.all(waiting);
  expect(held()).toBe(0);
});
