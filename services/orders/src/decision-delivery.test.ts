import { createLogger } from "@teranga/kit/process/log.ts";
import type { DecideMessage } from "@teranga/protocol/messages.ts";
import type { CityMessages } from "@teranga/protocol/orchestrator/city-messages.ts";
import { createDecisionDelivery } from "@teranga/protocol/orchestrator/decision-delivery.ts";
import { expect, test } from "vitest";

const LINES = [{ productId: "101", quantity: 1 }];
const announcement = (transactionId: string, ...cities: string[]) => ({
  transactionId,
  kind: "ORDER" as const,
  decision: "COMMITTED" as const,
  participants: new Map(cities.map((city) => [city, LINES])),
});

function delivery(
  decide: (city: string, message: DecideMessage) => Promise<{ state: "DONE" | "VIOLATION" }>,
) {
  const told: string[] = [];
  const alarms: unknown[] = [];
  const log = createLogger("orders", "silent");
  log.fatal = (line: unknown) => alarms.push(line);
  const messages = {
    decide: async (city, message) => {
      told.push(`${message.transactionId} ${city}`);
      return { transactionId: message.transactionId, ...(await decide(city, message)) };
    },
  } as Pick<CityMessages, "decide"> as CityMessages;
  return { told, alarms, delivery: createDecisionDelivery(messages, log) };
}

test("every participant is told, though one of them fails", async () => {
  const { told, delivery: subject } = delivery(async (city) => {
    if (city === "thies") throw new Error("down");
    return { state: "DONE" };
  });
  await subject.announce(announcement("a", "thies", "autres"));
  expect(told).toEqual(["a thies", "a autres"]);
});

test("a VIOLATION raises the alarm", async () => {
  const { alarms, delivery: subject } = delivery(async () => ({ state: "VIOLATION" }));
  await subject.announce(announcement("a", "thies"));
  expect(alarms).toEqual([{ alarm: "PROTOCOL_VIOLATION", transactionId: "a", city: "thies" }]);
});

test("draining waits for what is under way, and for nothing when nothing is", async () => {
  const answer = Promise.withResolvers<{ state: "DONE" }>();
  const { delivery: subject } = delivery(() => answer.promise);
  const told = subject.announce(announcement("a", "thies"));
  let drained = false;
  const drain = subject.drain().then(() => {
    drained = true;
  });
  await new Promise(setImmediate);
  expect(drained).toBe(false);
  answer.resolve({ state: "DONE" });
  await Promise.all([told, drain]);
  await subject.drain();
});

test("beyond 1,000 deliveries under way no more are begun, and when they have ended they are again", async () => {
  const answer = Promise.withResolvers<{ state: "DONE" }>();
  const { told, delivery: subject } = delivery(() => answer.promise);
  const announced = Array.from({ length: 501 }, (_, i) =>
    subject.announce(announcement(`${i}`, "thies", "autres")),
  );
  expect(told).toHaveLength(1_000);
  answer.resolve({ state: "DONE" });
  await Promise.all(announced);
  await subject.announce(announcement("last", "thies"));
  expect(told.at(-1)).toBe("last thies");
});
