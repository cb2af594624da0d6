/**
 * Goal: a call ends within its caller's deadline, and the steps after the commit point
 * do not depend on that deadline.
 */
import { withDeadline } from "@teranga/kit/http/deadline.ts";
import { expect, test } from "vitest";
import { ModelCities } from "../test/model-cities.ts";
import { CLIENT, contextOver, place, SCENARIOS, STOCK } from "../test/orders-in-model.ts";

/** The time that the home gets for the commit of an order, in milliseconds. */
async function commitDeadlineOf(caller: (run: () => Promise<unknown>) => Promise<unknown>): Promise<number> {
  const context = contextOver(new ModelCities(CLIENT, STOCK));
  const { messages } = context;
  let commitDeadlineMs = 0;
  const commit: typeof messages.commit = (city, message, deadlineMs) => {
    commitDeadlineMs = deadlineMs;
    return messages.commit(city, message, deadlineMs);
  };
  const { lines } = SCENARIOS["all at home"];
  await caller(() => place(lines, { ...context, messages: { ...messages, commit } }));
  return commitDeadlineMs;
}

test("a caller with less time shortens the steps before the answer; a second is kept for the last ones", async () => {
  const usual = await commitDeadlineOf((run) => run());
  // A fifth of 4 s: three commits and two questions may be needed.
  expect(usual).toBe(800);
  const shorter = await commitDeadlineOf((run) => withDeadline(3_000, run));
  expect(shorter).toBeGreaterThan(350);
  expect(shorter).toBeLessThanOrEqual(400);
  expect(await commitDeadlineOf((run) => withDeadline(60_000, run))).toBe(usual);
});

test("with nearly no time left what was begun is driven to its end all the same, and the participants are told", async () => {
  const cities = new ModelCities(CLIENT, STOCK);
  const { lines } = SCENARIOS["home and one participant"];
  const context = contextOver(cities);
  const answer = await withDeadline(10, () => place(lines, context));
  await context.delivery.drain();
  expect(answer.__typename).toBe("OrderPlaced");
  expect(cities.network.sent.at(-1)).toMatch(/^decide COMMITTED/);
  expect(cities.breaches()).toEqual([]);
});
