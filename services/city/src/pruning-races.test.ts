/** Messages about rows that are being pruned at the same time, on a real PostgreSQL. */

import { createCommitProtocol } from "@teranga/protocol/city/commit-protocol.ts";
import { prune } from "@teranga/protocol/city/pruning.ts";
import { expect, test } from "vitest";
import { idOf, line, smallOrder } from "../test/protocol-database.ts";
import { KEPT_MS, START_MS, usePruningWorld } from "../test/pruning-world.ts";

const world = usePruningWorld("pruning_races");
const { abort, city, clock, commit, counts, daysLater, fence, foreign, own, prepare } = world;

test("a message that waits for a row that is being pruned does not take its id for a new one", async () => {
  const [ownOld, foreignOld] = [own(1), foreign(1)];
  await commit(ownOld, { clientId: "dakar:9" });
  await abort(foreignOld);
  daysLater(31);
  await fence(own(2));
  let answers: Promise<{ state: string }[]>[] = [];
  await world.sql.begin(async (pruning) => {
    await prune({ ...city(), sql: pruning as never }, KEPT_MS);
    // These calls have read the horizon before it moved, and wait behind the deletion.
    answers = [prepare(foreignOld), fence(ownOld)];
    await untilWaiting(answers.length);
  });
  const states = (await Promise.all(answers)).map((list) => list.map(({ state }) => state));
  expect(states).toEqual([["TOO_OLD"], ["ABORTED"]]);
  expect(world.lost).toBe(1);
  expect(await counts()).toMatchObject({ participations: 0 });
});

test("an abort of a row that is pruned and written again while it waits is not told as a violation", async () => {
  const [held, pruned] = [foreign(1), foreign(2)];
  await abort(held, pruned);
  daysLater(31);
  await fence(own(3));
  let answers: Promise<{ state: string }[]> | undefined;
  await world.sql.begin(async (holder) => {
    await holder`select from participation where transaction_id = ${held} for update`;
    // The abort has found both rows, and locks them in the order of their ids.
    answers = abort(held, pruned);
    await untilWaiting(1);
    await prune(city(), KEPT_MS);
    await abort(pruned);
  });
  expect((await answers!).map(({ state }) => state)).toEqual(["DONE", "DONE"]);
  expect(world.lost).toBe(1);
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
    // New and old transactions. Other senders have sent some of them too.
    const all = [...new Set([0, 1, 3, 7].map((back) => Math.max(0, number - back * SENDERS)))];
    const ids = (home: string) => all.map((each) => idOf(home, each, START_MS + each));
    // The same message from every sender.
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
    if (number % 3)
      note(await createCommitProtocol(world.sql).commitOrders(orders as never, clock), all.length);
    note(await createCommitProtocol(world.sql).outcome(questions, clock), all.length);
    note(await createCommitProtocol(world.sql).prepare(prepares as never, clock), all.length);
    note(await createCommitProtocol(world.sql).decide(aborts as never, clock), all.length);
  };
  let isOver = false;
  const pruned = (async () => {
    while (!isOver) await prune(city(), 2 * SENDERS);
  })();
  const senders = Array.from({ length: SENDERS }, async (_, sender) => {
    for (const number of numbers.filter((each) => each % SENDERS === sender)) {
      world.nowMs = Math.max(world.nowMs, START_MS + number);
      await send(number);
    }
  });
  await Promise.all(senders).finally(() => {
    isOver = true;
  });
  await pruned;
  const both = [...ends].filter(([, states]) => states.size > 1).map(([id]) => id);
  expect(both).toEqual([]);
  expect([...ends.values()].filter((states) => states.has(true)).length).toBeGreaterThan(5);
  expect((await counts())!.participations).toBeLessThan(SENDERS * BATCHES);
});

/** Waits until this many sessions wait for another's transaction. */
async function untilWaiting(count: number): Promise<void> {
  for (let looks = 0; looks < 500; looks++) {
    const [row] = await world.sql<{ waiting: number }[]>`
      select count(*)::int as waiting from pg_locks where not granted and locktype = 'transactionid'`;
    if (row!.waiting >= count) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("nobody waits");
}
