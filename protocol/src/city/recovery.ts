/**
 * Finishes transactions that an orchestrator has left, from both sides. No transaction depends on an
 * orchestrator that comes back.
 *
 * - A home tells the participants of its committed transactions until they acknowledge.
 * - A participant asks the home about transactions that it has prepared and whose deadline has passed, until
 *   the home answers. It never guesses: while the home is silent, the stock stays set aside.
 *
 * Each step is an ordinary function that tests call by hand. A step claims a bounded batch by moving the next
 * attempt of each row into the future. So the instances of a city do not repeat each other's work, and a
 * failed try waits longer.
 */

import { TransportError } from "@teranga/kit/http/transport.ts";
import { classifyDatabaseError } from "@teranga/kit/postgres/database.ts";
import { inSpan } from "@teranga/kit/process/tracing.ts";
import { type StartWait, startWorker } from "@teranga/kit/process/worker.ts";
import { alarm } from "../alarm.ts";
import type { DecideMessage } from "../messages.ts";
import type { DecideReply } from "./commit-protocol.ts";
import { isolateEntries } from "./isolate-entries.ts";
import type { CityMeans } from "./means.ts";
import { aboutBatch, logApplied } from "./observe.ts";
import type { RecoveryMessages } from "./recovery-messages.ts";
import { acknowledgeDecisions } from "./sql/acknowledge-decisions.ts";
import { claimInDoubt } from "./sql/claim-in-doubt.ts";
import { claimUnacknowledged } from "./sql/claim-unacknowledged.ts";

export interface RecoveryOptions {
  city: CityMeans;
  messages: RecoveryMessages;
  intervalMs: number;
  /** How the workers wait between two steps; in real time by default. */
  startWait?: StartWait | undefined;
}

export function startRecovery(options: RecoveryOptions): { stop(): Promise<void> } {
  const { city, messages, intervalMs, startWait } = options;
  const { log } = city;
  const pace = { intervalMs, log, startWait };
  const workers = [
    startWorker({ ...pace, name: "tell participants", step: () => tellParticipants(city, messages) }),
    startWorker({ ...pace, name: "ask homes", step: () => askHomes(city, messages) }),
    ...city.payments.settlers.map(({ method, settle }) =>
      startWorker({ ...pace, name: `settle payments${method ? ` by ${method}` : ""}`, step: settle }),
    ),
  ];
  return {
    async stop() {
      await Promise.all(workers.map((worker) => worker.stop()));
    },
  };
}

/** The home's step. Returns whether there was anything to do. */
export async function tellParticipants(city: CityMeans, messages: RecoveryMessages): Promise<boolean> {
  const waiting = await claimUnacknowledged(city.sql, city.clock);
  await eachCity(
    waiting,
    (row) => row.cityId,
    { city, span: "recovery tell" },
    async (cityId, rows) => {
      const decisions = rows.map(
        ({ transactionId, kind, lines }): DecideMessage => ({
          transactionId,
          kind,
          decision: "COMMITTED",
          lines,
        }),
      );
      const answers = await messages.decide(cityId, decisions);
      for (const { transactionId, state } of answers) {
        if (state === "VIOLATION")
          alarm(city, { transactionId }, `${cityId} does not hold what it should give`);
      }
      const done = answers.filter(({ state }) => state === "DONE").map(({ transactionId }) => transactionId);
      await acknowledgeDecisions(city.sql, cityId, done, city.clock);
      city.metrics.recovered("told_participant", "COMMITTED", done.length);
      city.log.info(
        { participant: cityId, transactions: done },
        "told a participant that had not acknowledged",
      );
    },
  );
  return waiting.length > 0;
}

/** The participant's step. Returns whether there was anything to do. */
export async function askHomes(city: CityMeans, messages: RecoveryMessages): Promise<boolean> {
  const inDoubt = await claimInDoubt(city.sql, city.clock);
  await eachCity(
    inDoubt,
    (row) => row.home,
    { city, span: "recovery ask" },
    async (home, rows) => {
      const outcomes = await messages.outcome(
        home,
        rows.map(({ transactionId }) => ({ transactionId, cityId: city.id })),
      );
      const kinds = new Map(rows.map(({ transactionId, kind }) => [transactionId, kind]));
      const known = outcomes.flatMap((outcome): DecideMessage[] => {
        const { transactionId, state } = outcome;
        if (state === "VIOLATION") alarm(city, { transactionId }, `${home} says that it is not its home`);
        if (state === "VIOLATION" || state === "FAILED") return [];
        return [{ transactionId, kind: kinds.get(transactionId)!, decision: state, lines: outcome.lines }];
      });
      await applyOutcomes(city, home, known);
      city.log.info({ home, outcomes: known }, "asked a home for overdue outcomes");
    },
  );
  return inDoubt.length > 0;
}

/** An outcome that cannot be applied is tried again later and does not hold up the others. */
async function applyOutcomes(city: CityMeans, home: string, known: DecideMessage[]): Promise<void> {
  const applied = await isolateEntries<DecideMessage, DecideReply>(
    known,
    (decisions) => city.protocol.decide(decisions, city.clock),
    ({ transactionId }, error) => {
      city.log.error({ err: error, transactionId, home }, "an outcome could not be applied; trying later");
      return { transactionId, state: "FAILED" };
    },
  );
  for (const [index, { transactionId, state, isNew }] of applied.entries()) {
    if (state === "VIOLATION")
      alarm(city, { transactionId }, "the home's decision does not fit what is prepared here");
    if (!isNew) continue;
    logApplied(city, known[index]!, "asked");
    city.metrics.recovered("asked_home", known[index]!.decision, 1);
  }
}

/**
 * Groups rows by city and runs `action` for all cities side by side. A failure is logged, and its rows are
 * tried again later.
 */
async function eachCity<Row extends { transactionId: string }>(
  rows: readonly Row[],
  cityOf: (row: Row) => string,
  { city, span }: { city: CityMeans; span: string },
  action: (cityId: string, rows: Row[]) => Promise<void>,
): Promise<void> {
  const groups = Map.groupBy(rows, cityOf);
  const runs = Array.from(groups, ([cityId, group]) =>
    inSpan(span, { attributes: aboutBatch(city, group) }, () => action(cityId, group)).catch(
      (error: unknown) => {
        const about = { city: cityId, transactions: group.length };
        if (isOfOthers(error)) {
          const { message: reason } = error as Error;
          city.log.warn({ ...about, reason }, "a city's transactions could not be finished; trying later");
        } else {
          city.metrics.faulted();
          city.log.error({ ...about, err: error }, "a fault of this service, while it finished transactions");
        }
      },
    ),
  );
  await Promise.all(runs);
}

/** Whether another city or the database is away. Any other error is a fault of this service. */
function isOfOthers(error: unknown): boolean {
  return error instanceof TransportError || classifyDatabaseError(error).kind === "transient";
}
