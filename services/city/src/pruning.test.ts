/**
 * Pruning on a real PostgreSQL: what goes and what stays, how far the horizon moves, several instances at once, and a message that meets the
 * deletion of the very row that it is about.
 */
import { type Database, openDatabase, type Sql } from "@teranga/kit/database.ts";
import { createLogger } from "@teranga/kit/log.ts";
import { Registry } from "@teranga/kit/metrics.ts";
import { partitionsOf } from "@teranga/kit/topology.ts";
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from "vitest";
import { onServer, topologyOf } from "../test/city-over-wire.ts";
import { brokenInvariants } from "../test/invariants.ts";
import { idOf, line, smallOrder } from "../test/protocol-database.ts";
import { prepareCityDatabase } from "./database.ts";
import { createCityMetrics } from "./metrics.ts";
import { prune, startPruning } from "./pruning.ts";
import { commitOrders } from "./sql/commit-orders.ts";
import { decideTransactions } from "./sql/decide-transactions.ts";
import { moveHorizon } from "./sql/move-horizon.ts";
import { prepareTransactions } from "./sql/prepare-transactions.ts";
import { PRUNE_BATCH, pruneDecisions, pruneParticipations } from "./sql/prune-aborted.ts";
import { transactionOutcomes } from "./sql/transaction-outcomes.ts";

const NAME = "pruning";
const DAY_MS = 86_400_000;
const KEPT_MS = 30 * DAY_MS;
const START_MS = Date.UTC(2026, 0, 1);

let nowMs = START_MS;
const clock = { nowMs: () => nowMs, random: () => 0.5 };
let lost = 0;
let database: Database;
let sql: Sql;
beforeAll(async () => {
  await onServer((server) => server`create database ${server(NAME)}`);
  const url = inject("postgresUrl").replace(/\/postgres$/, `/${NAME}`);
  database = openDatabase({ url, applicationName: "test", onLostTransaction: () => lost++ });
  sql = database.sql;
  await prepareCityDatabase(sql, "dakar", partitionsOf(topologyOf(), "city"));
});
afterAll(async () => {
  await database.close();
  await onServer((server) => server`drop database ${server(NAME)}`);
});
beforeEach(async () => {
  nowMs = START_MS;
  lost = 0;
  await sql`truncate client, stock, transaction_decision, participation, horizon cascade`;
  await sql`insert into client (id, name, email, town) values ('dakar:1', 'n', 'e@example.com', 'dakar')`;
  await sql`insert into stock (product_id, warehouse, on_hand) values ('101', 'w', 100)`;
  await sql`
    insert into stock_movement (product_id, reason, on_hand_change, reserved_change) values ('101', 'RESTOCKED', 100, 0)`;
});
afterEach(async () => {
  expect(await brokenInvariants((text) => sql.unsafe(text))).toEqual({});
});

const registry = new Registry();
const city = () => ({ sql, clock, metrics, log: createLogger("test", "silent") });
const metrics = createCityMetrics(registry);
const daysLater = (days: number) => {
  nowMs = START_MS + days * DAY_MS;
};
const own = (number: number) => idOf("dakar", number, nowMs);
const foreign = (number: number) => idOf("thies", number, nowMs);
const prepare = (transactionId: string, quantity = 1) =>
  prepareTransactions(
    sql,
    [{ transactionId, kind: "ORDER", leaseMs: 10_000, lines: [line("101", quantity)] }],
    clock,
  );
const abort = (transactionId: string) =>
  decideTransactions(sql, [{ transactionId, kind: "ORDER", decision: "ABORTED", lines: [] }], clock);
const commit = (transactionId: string, changes: object = {}) =>
  commitOrders(sql, [smallOrder(transactionId, 1, 1, changes) as never], clock);
const fence = (transactionId: string) =>
  transactionOutcomes(sql, [{ transactionId, cityId: "thies" }], clock);
const counts = async () => {
  const [row] = await sql<
    { decisions: number; participations: number; reservations: number; payments: number }[]
  >`
    select (select count(*)::int from transaction_decision) as decisions, (select count(*)::int from participation) as participations,
           (select count(*)::int from reservation) as reservations, (select count(*)::int from payment) as payments`;
  return row;
};

/** Aborted ones of today, by the thousand. */
async function abortMany(count: number): Promise<void> {
  const ids = (home: string) => Array.from({ length: count }, (_, index) => idOf(home, 1_000 + index, nowMs));
  await sql`
    insert into transaction_decision (transaction_id, kind, state, answer, decided_at)
    select id, 'ORDER', 'ABORTED', '{"state": "REFUSED"}', ${new Date(nowMs)} from unnest(${ids("dakar")}::text[]) id`;
  await sql`
    insert into participation (transaction_id, kind, state, created_at, decided_at, next_attempt_at)
    select id, 'ORDER', 'ABORTED', ${new Date(nowMs)}, ${new Date(nowMs)}, ${new Date(nowMs)}
    from unnest(${ids("thies")}::text[]) id`;
}

test("what is aborted goes after its time, and what is committed or in doubt stays", async () => {
  await commit(own(1));
  await commit(own(2), { clientId: "dakar:9" });
  await fence(own(3));
  await prepare(foreign(1));
  await prepare(foreign(2));
  await abort(foreign(2));
  await prepare(foreign(3), 1_000);
  await abort(foreign(4));
  expect(await counts()).toEqual({ decisions: 3, participations: 4, reservations: 2, payments: 1 });
  // The next ones, since the horizon stays behind the newest too.
  daysLater(29);
  await fence(own(4));
  expect(await prune(city(), KEPT_MS)).toBe(false);
  expect(await counts()).toMatchObject({ decisions: 4, participations: 4 });
  daysLater(31);
  await fence(own(5));
  expect(await prune(city(), KEPT_MS)).toBe(false);
  expect(await counts()).toEqual({ decisions: 3, participations: 1, reservations: 1, payments: 1 });
  expect(await sql`select transaction_id as id from participation`).toEqual([
    { id: idOf("thies", 1, START_MS) },
  ]);
  const page = await registry.metrics();
  expect(page).toContain('teranga_city_pruned_transactions_total{table="transaction_decision"} 2');
  expect(page).toContain('teranga_city_pruned_transactions_total{table="participation"} 3');
});

test("neither this city's clock alone nor an orchestrator's can move the horizon beyond what is kept", async () => {
  const bound = async () => (await sql<{ bound: string }[]>`select bound from horizon`)[0]?.bound;
  const at = (timeMs: number) => idOf("x", 0, timeMs).slice(2, 15);
  await fence(own(1));
  // A year ahead.
  daysLater(365);
  await prune(city(), KEPT_MS);
  expect(await bound()).toBe(at(START_MS - KEPT_MS));
  daysLater(0);
  await abort(idOf("thies", 1, START_MS + 365 * DAY_MS));
  daysLater(1);
  await prune(city(), KEPT_MS);
  expect(await bound()).toBe(at(START_MS + DAY_MS - KEPT_MS));
  // Backwards it does not move, and not for a minute.
  daysLater(0);
  await prune(city(), KEPT_MS);
  nowMs = START_MS + DAY_MS + 60_000;
  await prune(city(), KEPT_MS);
  expect(await bound()).toBe(at(START_MS + DAY_MS - KEPT_MS));
});

test("two instances at once prune each row once, a batch at a time, and ask for more until all is gone", async () => {
  await abortMany(2 * PRUNE_BATCH + 10);
  daysLater(31);
  await fence(own(1));
  expect(await Promise.all([prune(city(), KEPT_MS), prune(city(), KEPT_MS)])).toEqual([true, true]);
  expect(await prune(city(), KEPT_MS)).toBe(false);
  expect(await counts()).toMatchObject({ decisions: 1, participations: 0 });
});

test("the worker goes on while there is more, and looks again after its wait", async () => {
  await abortMany(PRUNE_BATCH + 10);
  daysLater(31);
  await fence(own(1));
  const waits: (() => void)[] = [];
  let told = Promise.withResolvers<void>();
  const startWait = () => {
    const { promise: over, resolve: end } = Promise.withResolvers<void>();
    waits.push(end);
    told.resolve();
    return { over, end };
  };
  const worker = startPruning({ city: city(), keptMs: KEPT_MS, startWait });
  await told.promise;
  expect(await counts()).toMatchObject({ decisions: 1, participations: 0 });
  daysLater(62);
  await fence(own(2));
  told = Promise.withResolvers<void>();
  waits.at(-1)!();
  await told.promise;
  expect(await counts()).toMatchObject({ decisions: 1 });
  await worker.stop();
});

test("a declined payment goes with its decision, and one that is not settled keeps it", async () => {
  for (const [number, state] of [
    [1, "DECLINED"],
    [2, "VOIDED"],
    [3, "VOIDING"],
  ] as const) {
    await fence(own(number));
    await sql`
      insert into payment (transaction_id, client_id, method, amount, state, next_attempt_at)
      values (${own(number)}, 'dakar:1', 'CARD', 1, ${state}, ${state === "VOIDING" ? new Date(nowMs) : null})`;
  }
  daysLater(31);
  await fence(own(4));
  await prune(city(), KEPT_MS);
  expect(await sql`select transaction_id as id from payment`).toEqual([{ id: idOf("dakar", 3, START_MS) }]);
  expect(await counts()).toMatchObject({ decisions: 2, payments: 1 });
});

test("a message that waits for a row that is being pruned does not take its id for a new one", async () => {
  const [ownOld, foreignOld] = [own(1), foreign(1)];
  await commit(ownOld, { clientId: "dakar:9" });
  await abort(foreignOld);
  daysLater(31);
  await fence(own(2));
  let answers: Promise<{ state: string }[]>[] = [];
  await sql.begin(async (pruning) => {
    await prune({ ...city(), sql: pruning as never }, KEPT_MS);
    // They wait behind the deletion, and have looked at the horizon before it moved.
    answers = [prepare(foreignOld), fence(ownOld)];
    await untilWaiting(answers.length);
  });
  const states = (await Promise.all(answers)).map((list) => list.map(({ state }) => state));
  expect(states).toEqual([["TOO_OLD"], ["ABORTED"]]);
  expect(lost).toBe(1);
  expect(await counts()).toMatchObject({ participations: 0 });
});

test("messages that meet pruning all the time are answered whole, and never in both ways", async () => {
  const SENDERS = 6;
  const BATCHES = 40;
  const UNKNOWN = { clientId: "dakar:9" };
  const numbers = Array.from({ length: SENDERS * BATCHES }, (_, index) => index);
  const ends = new Map<string, Set<boolean>>();
  const note = (answers: { transactionId: string; state: string }[], count: number) => {
    expect(answers).toHaveLength(count);
    for (const { transactionId, state } of answers) {
      expect(["VIOLATION", null]).not.toContain(state);
      const isCommitted = state === "COMMITTED";
      ends.set(transactionId, (ends.get(transactionId) ?? new Set()).add(isCommitted));
    }
  };
  const send = async (number: number) => {
    // Old ones and new ones, of which others have sent some too.
    const all = [...new Set([0, 1, 3, 7].map((back) => Math.max(0, number - back * SENDERS)))];
    const ids = (home: string) => all.map((each) => idOf(home, each, START_MS + each));
    // The same message whoever sends it.
    const orders = all.map((each, index) => smallOrder(ids("dakar")[index]!, 1, 1, each % 2 ? {} : UNKNOWN));
    const lines = [line("101", 1_000)];
    const foreigns = ids("thies");
    const aborts = foreigns.map((transactionId) => ({
      transactionId,
      kind: "ORDER",
      decision: "ABORTED",
      lines: [],
    }));
    const prepares = foreigns.map((transactionId) => ({ transactionId, kind: "ORDER", leaseMs: 1, lines }));
    const questions = ids("dakar").map((transactionId) => ({ transactionId, cityId: "thies" }));
    if (number % 3) note(await commitOrders(sql, orders as never, clock), all.length);
    note(await transactionOutcomes(sql, questions, clock), all.length);
    note(await prepareTransactions(sql, prepares as never, clock), all.length);
    note(await decideTransactions(sql, aborts as never, clock), all.length);
  };
  let isOver = false;
  const pruned = (async () => {
    while (!isOver) await prune(city(), 1);
  })();
  const senders = Array.from({ length: SENDERS }, async (_, sender) => {
    for (const number of numbers.filter((each) => each % SENDERS === sender)) {
      nowMs = Math.max(nowMs, START_MS + number);
      await send(number);
    }
  });
  await Promise.all(senders).finally(() => {
    isOver = true;
  });
  await pruned;
  const both = [...ends].filter(([, states]) => states.size > 1).map(([id]) => id);
  expect(both).toEqual([]);
  expect([...ends.values()].filter((states) => states.has(true)).length).toBeGreaterThan(0);
  expect((await counts())!.participations).toBeLessThan(SENDERS * BATCHES);
});

/** Until so many sessions wait for another's transaction. */
async function untilWaiting(count: number): Promise<void> {
  for (let looks = 0; looks < 500; looks++) {
    const [row] = await sql<{ waiting: number }[]>`
      select count(*)::int as waiting from pg_locks where not granted and locktype = 'transactionid'`;
    if (row!.waiting >= count) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("nobody waits");
}

test("a look and a batch read by index only what they delete, whatever else there is", async () => {
  await abortMany(PRUNE_BATCH);
  daysLater(1);
  await abortMany(20_000);
  await sql`analyze transaction_decision, participation`;
  await sql`insert into horizon (bound) values (${idOf("x", 0, START_MS + 1).slice(2, 15)})`;
  const plans = await plansOf(async (explained) => {
    await moveHorizon(explained, KEPT_MS, clock);
    await pruneDecisions(explained);
    await pruneParticipations(explained);
  });
  for (const index of ["decision_aborted_by_id_time", "participation_aborted_by_id_time"]) {
    expect(plans).toMatch(`Index Scan using ${index}`);
    expect(plans).toMatch(`Index Scan Backward using ${index}`);
  }
  expect(plans).not.toMatch(/Seq Scan on (transaction_decision|participation|reservation|payment)/);
});

/** The plans of what is run on a pool that explains instead of executing. */
async function plansOf(run: (explained: Sql) => Promise<unknown>): Promise<string> {
  const plans: string[] = [];
  const explained = (async (parts: TemplateStringsArray, ...values: never[]) => {
    const [first, ...rest] = parts;
    const rows = await sql<{ "QUERY PLAN": string }[]>(
      Object.assign([`explain ${first}`, ...rest], { raw: [`explain ${first}`, ...rest] }) as never,
      ...values,
    );
    plans.push(...rows.map((row) => row["QUERY PLAN"]));
    return [{ count: 0, newest: null }];
  }) as unknown as Sql;
  await run(explained);
  return plans.join("\n");
}
