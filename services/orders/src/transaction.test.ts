/** Violations of the protocol, and a city that finds an id too old. faults.test.ts tests the other ends. */

import { TransportError } from "@teranga/kit/http/transport.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import type { CityMessages } from "@teranga/protocol/orchestrator/city-messages.ts";
import { runTransaction } from "@teranga/protocol/orchestrator/transaction.ts";
import type { Transaction } from "@teranga/protocol/orchestrator/transaction-model.ts";
import { describe, expect, test } from "vitest";

const ID = "dakar:00000000-0000-7000-8000-000000000001";
const TRANSACTION: Transaction = {
  homeId: "dakar",
  message: {
    kind: "ORDER",
    commit: {
      transactionId: ID,
      clientId: "dakar:1",
      idempotencyKey: "key",
      requestHash: "hash",
      lines: [{ productId: "101", quantity: 3, unitPrice: 100 }],
      allocations: [
        { cityId: "dakar", productId: "101", quantity: 1 },
        { cityId: "thies", productId: "101", quantity: 1 },
        { cityId: "autres", productId: "101", quantity: 1 },
      ],
      paymentMethod: "CASH_ON_DELIVERY",
    },
  },
  participants: new Map(["thies", "autres"].map((city) => [city, [{ productId: "101", quantity: 1 }]])),
  answerByMs: 4_500,
};

/** Runs the transaction against cities with these answers, and records the deadline of each message. */
async function runAgainst(answers: Partial<Record<keyof CityMessages, (city: string) => string>>, nowMs = 0) {
  const deadlinesMs: number[] = [];
  const alarms: unknown[] = [];
  const answer =
    (kind: keyof CityMessages, otherwise: string) =>
    async (city: string, _message: unknown, deadlineMs: number) => {
      deadlinesMs.push(deadlineMs);
      const state = answers[kind]?.(city) ?? otherwise;
      if (state === "silent") throw new TransportError("unknown", "no answer");
      return { transactionId: ID, state, committedId: ID, participants: [], shortages: [] } as never;
    };
  const log = createLogger("orders", "silent");
  log.fatal = (line: unknown) => alarms.push(line);
  const errors: unknown[] = [];
  log.error = (line: unknown) => errors.push(line);
  const end = await runTransaction(TRANSACTION, {
    messages: {
      prepare: answer("prepare", "PREPARED"),
      commit: answer("commit", "COMMITTED"),
      decide: answer("decide", "DONE"),
      outcome: answer("outcome", "ABORTED"),
    },
    clock: { nowMs: () => nowMs, random: () => 0 },
    delay: () => Promise.resolve(),
    log,
  });
  return { end, alarms, errors, deadlinesMs };
}

const alarmOf = (city: string) => ({ alarm: "PROTOCOL_VIOLATION", transactionId: ID, city });

describe("VIOLATION", () => {
  test("as a vote: an alarm, and those that have prepared are released, no commit having been sent", async () => {
    const { end, alarms } = await runAgainst({
      prepare: (city) => (city === "thies" ? "VIOLATION" : "PREPARED"),
    });
    expect(end).toEqual({
      result: { kind: "violation", cityId: "thies" },
      announcement: {
        transactionId: ID,
        kind: "ORDER",
        decision: "ABORTED",
        participants: new Map([["autres", []]]),
      },
    });
    expect(alarms).toEqual([alarmOf("thies")]);
  });

  test("as the answer to a commit: an alarm, and nobody is told anything, since home may have committed", async () => {
    const { end, alarms } = await runAgainst({ commit: () => "VIOLATION" });
    expect(end).toEqual({ result: { kind: "violation", cityId: "dakar" }, announcement: null });
    expect(alarms).toEqual([alarmOf("dakar")]);
  });

  test("as the outcome: an alarm, and the outcome is unknown", async () => {
    const { end, alarms } = await runAgainst({ commit: () => "silent", outcome: () => "VIOLATION" });
    expect(end).toEqual({ result: { kind: "unknown" }, announcement: null });
    expect(alarms).toEqual([alarmOf("dakar")]);
  });
});

describe("TOO_OLD: it has not happened, all are released, and a person is told", () => {
  const told = (...cities: string[]) => new Map(cities.map((city) => [city, []]));

  test("as a vote", async () => {
    const { end, errors } = await runAgainst({
      prepare: (city) => (city === "thies" ? "TOO_OLD" : "PREPARED"),
    });
    expect(end.result).toEqual({ kind: "refused", refusals: [], silentCities: ["thies"] });
    expect(end.announcement).toMatchObject({ decision: "ABORTED", participants: told("autres") });
    expect(errors).toEqual([{ transactionId: ID, city: "thies" }]);
  });

  test("as the answer to a commit", async () => {
    const { end, errors } = await runAgainst({ commit: () => "TOO_OLD" });
    expect(end.result).toEqual({ kind: "fenced" });
    expect(end.announcement).toMatchObject({ decision: "ABORTED", participants: told("thies", "autres") });
    expect(errors).toEqual([{ transactionId: ID, city: "dakar" }]);
  });
});

describe("the time that a client waits", () => {
  const silentHome = { commit: () => "silent", outcome: () => "silent" };

  test("is shared between the messages that may still be needed", async () => {
    const { deadlinesMs } = await runAgainst(silentHome);
    expect(deadlinesMs).toEqual([1_500, 1_500, 900, 1_125, 1_500, 1_500, 1_500]);
  });

  test("leaves the home a little when it is over: only the home can tell what has become of the order", async () => {
    const { deadlinesMs } = await runAgainst(silentHome, 10_000);
    expect(deadlinesMs).toEqual([200, 200, 200, 200, 200, 200, 200]);
  });
});
