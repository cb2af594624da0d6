/** Goal: one answer of several instances, and a failure that says whether one may have acted. */
import { expect, test } from "vitest";
import { z } from "zod";
import { type Send, TransportError } from "../http/transport.ts";
import { type Collected, collectFor } from "../reads/collected-positions.ts";
import { ask } from "./ask.ts";
import { Instances } from "./instances.ts";

const clock = { nowMs: () => 0, random: () => 0 };
const means = (send: Send) => ({ instances: new Instances({ send, clock }), newId: () => "request-1" });
const question = {
  query: "{ a }",
  operationName: "A",
  answer: z.object({ a: z.int() }),
  deadlineMs: 1_000,
};
const urls = ["http://one", "http://two"];
const refused = new TransportError("refused", "refused");
const unknown = new TransportError("unknown", "unknown");

/** Instances that answer or fail in turn, as the test says. */
const script = (...answers: (TransportError | Awaited<ReturnType<Send>>)[]) => {
  const asked: unknown[] = [];
  const send: Send = async (url, _body, options) => {
    asked.push([url, options?.deadlineMs]);
    const answer = answers.shift()!;
    if (answer instanceof Error) throw answer;
    return answer;
  };
  return { asked, send };
};

test("takes the first answer, and gives an instance half of the time while there is another", async () => {
  const { asked, send } = script(unknown, { data: { a: 1 } });
  expect(await ask(means(send), urls, question)).toEqual({ a: 1 });
  expect(asked).toEqual([
    ["http://one", 500],
    ["http://two", 1_000],
  ]);
});

test.each([
  ["all have refused", [refused, refused], "refused"],
  ["one may have acted", [unknown, refused], "unknown"],
  ["one has answered with an error", [refused, { data: null, errors: [{ message: "x" }] }], "unknown"],
  [
    "one has answered with an error beside data",
    [refused, { data: { a: 1 }, errors: [{ message: "x" }] }],
    "unknown",
  ],
  ["one has answered something else", [refused, { data: { a: "?" } }], "unknown"],
] as const)(
  "fails when %s, and only who may have acted may have moved positions",
  async (_, answers, effect) => {
    const collected: Collected = { ranges: new Map(), isWhole: true };
    const asking = () => ask(means(script(...answers).send), urls, question);
    await expect(collectFor([collected], asking)).rejects.toMatchObject({ name: "TransportError", effect });
    expect(collected.isWhole).toBe(effect === "refused");
  },
);
