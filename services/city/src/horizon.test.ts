/**
 * Aborted transactions behind the horizon are pruned, and none is ever taken for new. Each kind of message
 * comes late, about known and about pruned transactions. Every test ends with the invariants.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  cancellationOf,
  idOf,
  line,
  openProtocolDatabase,
  orderOf,
  type ProtocolDatabase,
  smallOrder,
  states,
  transferOf,
} from "../test/protocol-database.ts";

/** Times before and behind the horizon, once it has moved. */
const OLD_MS = 1_000_000;
const NEW_MS = 3_000_000;
const FOREIGN = idOf("thies", 1, OLD_MS);
const FOREIGN_2 = idOf("thies", 2, OLD_MS);
const FOREIGN_NEW = idOf("thies", 3, NEW_MS);
const OWN = idOf("dakar", 1, OLD_MS);
const OWN_2 = idOf("dakar", 2, OLD_MS);
const OWN_NEW = idOf("dakar", 3, NEW_MS);

let city: ProtocolDatabase;
beforeAll(async () => {
  city = await openProtocolDatabase();
});
afterAll(() => city.db.close());
beforeEach(() => city.reset());
afterEach(() => city.expectSound());

const prepare = async (transactionId: string, quantity: number) =>
  states(await city.prepare({ transactionId, lines: [line("101", quantity)] }));
const decide = async (transactionId: string, decision: string, quantity = 0, kind = "ORDER") =>
  states(
    await city.decide({ transactionId, kind, decision, lines: quantity ? [line("101", quantity)] : [] }),
  );
const commit = async (...entries: object[]) => states(await city.commitOrders(...entries));
const outcome = async (transactionId: string) =>
  states(await city.outcome({ transactionId, cityId: "thies" }));
const ids = async (table: string) =>
  (await city.rows<{ id: string }>(`select transaction_id as id from ${table} order by 1`)).map(
    ({ id }) => id,
  );

/** Moves the horizon to between OLD_MS and NEW_MS. */
async function moveHorizon(): Promise<void> {
  await city.rows(`insert into horizon (bound) values ('${idOf("x", 0, 2_000_000).slice(2, 15)}')`);
}

/** Prunes everything that may be pruned. */
async function prune(): Promise<void> {
  await moveHorizon();
  for (const table of ["reservation", "participation", "transaction_decision"])
    await city.rows(`
      delete from ${table} where split_part(transaction_id, ':', 2) < (select bound from horizon) and transaction_id in (
        select transaction_id from participation where state = 'ABORTED'
        union all select transaction_id from transaction_decision where state = 'ABORTED')`);
}

describe("a participant", () => {
  test("does not prepare what it has refused and pruned, though there is enough by now", async () => {
    expect(await prepare(FOREIGN, 100)).toEqual(["REFUSED"]);
    await prune();
    expect(await ids("participation")).toEqual([]);
    expect(await prepare(FOREIGN, 1)).toEqual(["TOO_OLD"]);
    expect(await prepare(FOREIGN, 1)).toEqual(["TOO_OLD"]);
    expect(await ids("participation")).toEqual([]);
    expect(await city.level("101")).toEqual({ on_hand: 8, reserved: 0 });
  });

  test("nor what was aborted after it was prepared, nor what was fenced", async () => {
    await prepare(FOREIGN, 2);
    await decide(FOREIGN, "ABORTED");
    await decide(FOREIGN_2, "ABORTED");
    await prune();
    expect(await ids("reservation")).toEqual([]);
    expect([await prepare(FOREIGN, 2), await prepare(FOREIGN_2, 2)]).toEqual([["TOO_OLD"], ["TOO_OLD"]]);
    expect(await city.level("101")).toEqual({ on_hand: 8, reserved: 0 });
  });

  test("answers the other entries of the batch as ever", async () => {
    await moveHorizon();
    const answers = await city.prepare(
      { transactionId: FOREIGN, lines: [line("101", 1)] },
      { transactionId: FOREIGN_NEW, lines: [line("101", 1)] },
    );
    const byId = new Map(answers.map(({ transactionId, state }) => [transactionId, state]));
    expect(Object.fromEntries(byId)).toEqual({ [FOREIGN]: "TOO_OLD", [FOREIGN_NEW]: "PREPARED" });
  });

  test("answers for what it still knows: what is in doubt can be given and released, however old", async () => {
    await prepare(FOREIGN, 2);
    await prepare(FOREIGN_2, 1);
    await prune();
    expect(await prepare(FOREIGN, 2)).toEqual(["PREPARED"]);
    expect(await decide(FOREIGN, "COMMITTED", 2)).toEqual(["DONE"]);
    expect(await decide(FOREIGN_2, "ABORTED")).toEqual(["DONE"]);
    expect(await city.level("101")).toEqual({ on_hand: 6, reserved: 0 });
    expect(await prepare(FOREIGN_2, 1)).toEqual(["ABORTED"]);
  });

  test("takes a late ABORT as done, and a late COMMIT of what it has pruned as the broken protocol that it is", async () => {
    await prepare(FOREIGN, 2);
    await decide(FOREIGN, "ABORTED");
    await prune();
    expect(await decide(FOREIGN, "COMMITTED", 2)).toEqual(["VIOLATION"]);
    expect(await decide(FOREIGN, "ABORTED")).toEqual(["DONE"]);
    expect(await prepare(FOREIGN, 2)).toEqual(["ABORTED"]);
    await city.rows(`delete from participation where transaction_id = '${FOREIGN}'`);
    expect(await prepare(FOREIGN, 2)).toEqual(["TOO_OLD"]);
  });

  test("gets back what a cancellation returns, once, even if it hears of it behind the horizon", async () => {
    await moveHorizon();
    expect(await decide(FOREIGN, "COMMITTED", 2, "CANCELLATION")).toEqual(["DONE"]);
    expect(await decide(FOREIGN, "COMMITTED", 2, "CANCELLATION")).toEqual(["DONE"]);
    expect(await city.level("101")).toEqual({ on_hand: 10, reserved: 0 });
  });
});

describe("a home", () => {
  test("does not commit what it has refused and pruned, though it could by now", async () => {
    expect(await commit(smallOrder(OWN, 100, 1))).toEqual(["REFUSED"]);
    await prune();
    expect(await ids("transaction_decision")).toEqual([]);
    expect(await commit(smallOrder(OWN, 1, 1))).toEqual(["TOO_OLD"]);
    expect(await commit(smallOrder(OWN, 1, 1))).toEqual(["TOO_OLD"]);
    expect(await city.rows("select from orders")).toEqual([]);
    expect(await outcome(OWN)).toEqual(["ABORTED"]);
  });

  test("nor what was fenced: of an order, a cancellation and a transfer", async () => {
    await commit(smallOrder(OWN_NEW, 1, 1));
    expect(await outcome(OWN)).toEqual(["ABORTED"]);
    await prune();
    expect(await ids("transaction_decision")).toEqual([OWN_NEW]);
    expect(states(await city.commitCancellations(cancellationOf(OWN, OWN_NEW)))).toEqual(["TOO_OLD"]);
    expect(states(await city.commitTransfers(transferOf(OWN_2)))).toEqual(["TOO_OLD"]);
    expect(await city.level("101")).toEqual({ on_hand: 7, reserved: 0 });
  });

  test("commits the other entries of the batch", async () => {
    await moveHorizon();
    expect(await commit(smallOrder(OWN_NEW, 1, 1), smallOrder(OWN, 1, 1))).toEqual(["TOO_OLD", "COMMITTED"]);
  });

  test("tells what it has committed however old it is, to the orchestrator and to a participant in doubt", async () => {
    expect(await commit(orderOf(OWN))).toEqual(["COMMITTED"]);
    await prune();
    expect(await commit(orderOf(OWN))).toEqual(["COMMITTED"]);
    expect(await outcome(OWN)).toEqual(["COMMITTED"]);
    // The key still works too.
    expect(await commit(orderOf(OWN_NEW))).toEqual(["REPLAYED"]);
  });

  test("tells a participant in doubt ABORTED of what it has pruned, and it stays so", async () => {
    await commit(orderOf(OWN, { clientId: "dakar:9" }));
    await prune();
    expect(await outcome(OWN)).toEqual(["ABORTED"]);
    expect(await commit(orderOf(OWN))).toEqual(["ABORTED"]);
  });
});

describe("the database keeps to it whoever writes", () => {
  const APPEND_ONLY = "is append-only";
  const deleted = (table: string, id: string) =>
    city.rows(`delete from ${table} where transaction_id = '${id}'`);

  test("what is committed or in doubt is not deleted", async () => {
    await commit(smallOrder(OWN, 1, 1));
    await prepare(FOREIGN, 1);
    await prepare(FOREIGN_2, 1);
    await decide(FOREIGN_2, "COMMITTED", 1);
    await moveHorizon();
    await expect(deleted("transaction_decision", OWN)).rejects.toThrow(APPEND_ONLY);
    for (const id of [FOREIGN, FOREIGN_2]) {
      await expect(deleted("reservation", id)).rejects.toThrow(APPEND_ONLY);
      await expect(deleted("participation", id)).rejects.toThrow(APPEND_ONLY);
    }
  });

  test("nor what is aborted and not behind the horizon", async () => {
    await outcome(OWN);
    await outcome(OWN_NEW);
    await prepare(FOREIGN_NEW, 1);
    await decide(FOREIGN_NEW, "ABORTED");
    await expect(deleted("transaction_decision", OWN)).rejects.toThrow(APPEND_ONLY);
    await moveHorizon();
    await expect(deleted("transaction_decision", OWN_NEW)).rejects.toThrow(APPEND_ONLY);
    await expect(deleted("reservation", FOREIGN_NEW)).rejects.toThrow(APPEND_ONLY);
    await expect(deleted("participation", FOREIGN_NEW)).rejects.toThrow(APPEND_ONLY);
    await deleted("transaction_decision", OWN);
  });

  test("the horizon neither moves back nor goes", async () => {
    await moveHorizon();
    await expect(city.rows("update horizon set bound = '00000000-0001'")).rejects.toThrow("forward");
    await expect(city.rows("delete from horizon")).rejects.toThrow(APPEND_ONLY);
  });

  test("nothing is prepared or committed behind it", async () => {
    await moveHorizon();
    const write = `insert into participation (transaction_id, kind, state, created_at, next_attempt_at) values ('${FOREIGN}', 'ORDER', 'PREPARED', now(), now())`;
    await expect(city.rows(write)).rejects.toThrow("behind the horizon");
    await expect(city.rows(write.replace(FOREIGN, FOREIGN_NEW))).resolves.toEqual([]);
  });
});
