/**
 * Finishes transactions that an orchestrator has left, from both sides, so that nothing depends on an orchestrator coming back.
 *
 * - As a home: participants of committed transactions that have not acknowledged are told, until they have.
 * - As a participant: for transactions prepared here past their deadline, the home is asked, until it answers. This city
 *   never guesses: while the home is silent the stock stays set aside.
 *
 * Each step is an ordinary function that tests call by hand. A step takes a bounded batch, and takes it by moving each
 * row's next attempt into the future, so instances of a city do not do the same work twice and a failed try waits longer.
 */
import type { Logger } from "@teranga/kit/log.ts";
import { startWorker } from "@teranga/kit/worker.ts";
import type { CityMessages, Decision } from "./city-messages.ts";
import type { City } from "./context.ts";
import { acknowledgeDecisions } from "./sql/acknowledge-decisions.ts";
import { claimInDoubt } from "./sql/claim-in-doubt.ts";
import { claimUnacknowledged } from "./sql/claim-unacknowledged.ts";
import { decideTransactions } from "./sql/decide-transactions.ts";

export interface RecoveryOptions {
  city: City;
  messages: CityMessages;
  intervalMs: number;
}

export function startRecovery({ city, messages, intervalMs }: RecoveryOptions): { stop(): Promise<void> } {
  const { log } = city;
  const workers = [
    startWorker({ name: "tell participants", intervalMs, log, step: () => tellParticipants(city, messages) }),
    startWorker({ name: "ask homes", intervalMs, log, step: () => askHomes(city, messages) }),
  ];
  return {
    async stop() {
      await Promise.all(workers.map((worker) => worker.stop()));
    },
  };
}

/** Home side. Returns whether there was anything to do. */
export async function tellParticipants(city: City, messages: CityMessages): Promise<boolean> {
  const waiting = await claimUnacknowledged(city.sql, city.clock);
  await eachCity(
    waiting,
    (row) => row.cityId,
    city.log,
    async (cityId, rows) => {
      const decisions = rows.map(
        ({ transactionId, lines }): Decision => ({ transactionId, decision: "COMMITTED", lines }),
      );
      const answers = await messages.decide(cityId, decisions);
      for (const { transactionId, state } of answers) {
        if (state === "VIOLATION")
          alarm(city.log, transactionId, `${cityId} does not hold what it should give`);
      }
      const done = answers.filter(({ state }) => state === "DONE").map(({ transactionId }) => transactionId);
      await acknowledgeDecisions(city.sql, cityId, done, city.clock);
      city.log.info(
        { participant: cityId, transactions: done },
        "told a participant that had not acknowledged",
      );
    },
  );
  return waiting.length > 0;
}

/** Participant side. Returns whether there was anything to do. */
export async function askHomes(city: City, messages: CityMessages): Promise<boolean> {
  const inDoubt = await claimInDoubt(city.sql, city.clock);
  await eachCity(
    inDoubt,
    (row) => row.home,
    city.log,
    async (home, rows) => {
      const outcomes = await messages.outcome(
        home,
        rows.map(({ transactionId }) => ({ transactionId, cityId: city.id })),
      );
      const known = outcomes.flatMap(({ transactionId, state, lines }): Decision[] => {
        if (state !== "VIOLATION") return [{ transactionId, decision: state, lines }];
        alarm(city.log, transactionId, `${home} says that it is not its home`);
        return [];
      });
      for (const { transactionId, state } of await decideTransactions(city.sql, known, city.clock)) {
        if (state === "VIOLATION")
          alarm(city.log, transactionId, "the home's decision does not fit what is prepared here");
      }
      city.log.info({ home, outcomes: known }, "asked a home for overdue outcomes");
    },
  );
  return inDoubt.length > 0;
}

/** Groups rows by city and runs `action` for all cities side by side. One that fails is logged and comes up again. */
async function eachCity<Row>(
  rows: readonly Row[],
  cityOf: (row: Row) => string,
  log: Logger,
  action: (cityId: string, rows: Row[]) => Promise<void>,
): Promise<void> {
  const groups = Map.groupBy(rows, cityOf);
  const runs = Array.from(groups, ([cityId, group]) =>
    action(cityId, group).catch((error: unknown) => {
      log.warn(
        { city: cityId, transactions: group.length, reason: (error as Error).message },
        "a city's transactions could not be finished; trying later",
      );
    }),
  );
  await Promise.all(runs);
}

/** A broken protocol: it must never happen, nothing was changed, and a person must look. */
export function alarm(log: Logger, transactionId: string, what: string): void {
  log.fatal({ alarm: "PROTOCOL_VIOLATION", transactionId }, what);
}
