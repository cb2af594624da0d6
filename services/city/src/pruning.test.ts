/**
 * Pruning on a real PostgreSQL: what is deleted and what stays, how far the horizon
 * moves, several instances at once.
 */
import type { Queryable, Sql } from "@teranga/kit/postgres/database.ts";
import { prune, startPruning } from "@teranga/protocol/city/pruning.ts";
import { moveHorizon } from "@teranga/protocol/city/sql/move-horizon.ts";
import {
  PRUNE_BATCH,
  pruneDecisions,
  pruneParticipations,
} from "@teranga/protocol/city/sql/prune-aborted.ts";
import { expect, test } from "vitest";
import { planOf } from "../../../kit/test/plans.ts";
import { idOf } from "../test/protocol-database.ts";
import { DAY_MS, KEPT_MS, START_MS, usePruningWorld } from "../test/pruning-world.ts";

const world = usePruningWorld("pruning");
const { abort, abortMany, city, clock, commit, counts, daysLater, fence, foreign, own, prepare, registry } =
  world;

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
  // Newer ones are needed, since the horizon also stays behind the newest id.
  daysLater(29);
  await fence(own(4));
  expect(await prune(city(), KEPT_MS)).toBe(false);
  expect(await counts()).toMatchObject({ decisions: 4, participations: 4 });
  daysLater(31);
  await fence(own(5));
  expect(await prune(city(), KEPT_MS)).toBe(false);
  expect(await counts()).toEqual({ decisions: 3, participations: 1, reservations: 1, payments: 1 });
  expect(await world.sql`select transaction_id as id from participation`).toEqual([
    { id: idOf("thies", 1, START_MS) },
  ]);
  const page = await registry.metrics();
  expect(page).toContain('teranga_city_pruned_transactions_total{table="transaction_decision"} 2');
  expect(page).toContain('teranga_city_pruned_transactions_total{table="participation"} 3');
});

test("neither this city's clock alone nor an orchestrator's can move the horizon beyond what is kept", async () => {
  const bound = async () => (await world.sql<{ bound: string }[]>`select bound from horizon`)[0]?.bound;
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
  // The horizon moves neither backwards nor for a minute's difference.
  daysLater(0);
  await prune(city(), KEPT_MS);
  world.nowMs = START_MS + DAY_MS + 60_000;
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
    await world.sql`
      insert into payment (transaction_id, client_id, phone, method, amount, state, next_attempt_at)
      values (${own(number)}, 'dakar:1', '+221771234567', 'CARD', 1, ${state}, ${state === "VOIDING" ? new Date(world.nowMs) : null})`;
  }
  daysLater(31);
  await fence(own(4));
  await prune(city(), KEPT_MS);
  expect(await world.sql`select transaction_id as id from payment`).toEqual([
    { id: idOf("dakar", 3, START_MS) },
  ]);
  expect(await counts()).toMatchObject({ decisions: 2, payments: 1 });
});

test("a look and a batch read by index only what they delete, whatever else there is", async () => {
  await abortMany(PRUNE_BATCH);
  daysLater(1);
  await abortMany(20_000);
  await world.sql`analyze transaction_decision, participation`;
  await world.sql`insert into horizon (bound) values (${idOf("x", 0, START_MS + 1).slice(2, 15)})`;
  const operations = [
    (explained: Queryable) => moveHorizon(explained as Sql, KEPT_MS, clock),
    (explained: Queryable) => pruneDecisions(explained as Sql),
    (explained: Queryable) => pruneParticipations(explained as Sql),
  ];
  const plans = await Promise.all(
    operations.map((operation) => planOf(world.sql, operation, { run: false })),
  );
  const nodes = plans.flat();
  for (const index of ["decision_aborted_by_id_time", "participation_aborted_by_id_time"]) {
    const scans = nodes.filter((node) => node["Index Name"] === index);
    expect(new Set(scans.map((node) => node["Scan Direction"]))).toEqual(new Set(["Forward", "Backward"]));
  }
  const whole = nodes.filter((node) => node["Node Type"] === "Seq Scan").map((node) => node["Relation Name"]);
  expect(["horizon"]).toEqual(expect.arrayContaining(whole));
});
