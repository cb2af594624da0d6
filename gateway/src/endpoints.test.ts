/** Goal: requests go where they can be answered, and a change is never made twice. Method: instances that fail on cue. */
import { type Send, TransportError } from "@teranga/kit/transport.ts";
import { expect, test } from "vitest";
import { createEndpoints } from "./endpoints.ts";

const URLS = ["http://a", "http://b", "http://c"];
const REQUEST = { query: "{ x }" };

/** Instances that fail as `failures` says at the time, on a clock that each try moves by `tryMs`. */
function instances(failures: Record<string, "refused" | "unknown">, { tryMs = 1, deadlineMs = 1_000 } = {}) {
  const tried: string[] = [];
  const clock = { nowMs: 0 };
  const send: Send = async (url) => {
    tried.push(url.at(-1)!);
    clock.nowMs += tryMs;
    const effect = failures[url.at(-1)!];
    if (effect) throw new TransportError(effect, "failed on cue");
    return { data: { from: url } };
  };
  const askAny = createEndpoints({ urls: URLS, send, deadlineMs, nowMs: () => clock.nowMs });
  return { clock, tried, ask: (mayRepeat: boolean) => askAny(REQUEST, { mayRepeat, headers: {} }) };
}

test("the nearest is asked, and nobody else", async () => {
  const { ask, tried } = instances({});
  await ask(true);
  await ask(false);
  expect(tried).toEqual(["a", "a"]);
});

test("a read goes on to the next instance whatever happened", async () => {
  const { ask, tried } = instances({ a: "unknown", b: "refused" });
  expect(await ask(true)).toEqual({ data: { from: "http://c" } });
  expect(tried).toEqual(["a", "b", "c"]);
});

test("a change goes on only if it has certainly not been made", async () => {
  const refused = instances({ a: "refused" });
  await refused.ask(false);
  expect(refused.tried).toEqual(["a", "b"]);

  const unknown = instances({ a: "unknown" });
  await expect(unknown.ask(false)).rejects.toMatchObject({ effect: "unknown" });
  expect(unknown.tried).toEqual(["a"]);
});

test("an instance that failed comes last for a while, then first again", async () => {
  const failures: Record<string, "refused"> = { a: "refused" };
  const { ask, tried, clock } = instances(failures);
  await ask(true);
  await ask(true);
  delete failures.a;
  clock.nowMs += 2_000;
  await ask(true);
  expect(tried).toEqual(["a", "b", "b", "a"]);
});

test("all tries together keep to the deadline", async () => {
  const { ask, tried } = instances({ a: "unknown", b: "unknown", c: "unknown" }, { tryMs: 600 });
  await expect(ask(true)).rejects.toThrow("failed on cue");
  expect(tried).toEqual(["a", "b"]);
});
