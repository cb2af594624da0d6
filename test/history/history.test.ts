/**
 * Goal: concurrent requests are serialisable. Method: a recorded history of the whole graph on real
 * PostgreSQL, checked against a sequential model of the shop.
 */

import { brokenInvariants } from "@teranga/infra/broken-invariants.ts";
import type { Sql } from "@teranga/kit/postgres/database.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CITY_IDS, type Graph, startGraph } from "../harness/graph.ts";
import { expectInvariants, untilAtRest } from "../harness/invariants.ts";
import { createRandom } from "../harness/random.ts";
import { askShop } from "./ask-shop.ts";
import { checkHistory } from "./check-history.ts";
import { type CityFacts, readCityFacts } from "./city-facts.ts";
import { startShopClients } from "./shop-clients.ts";

let graph: Graph;
beforeAll(async () => {
  graph = await startGraph();
  await leaveTraces();
});
afterAll(() => graph.close());

/** Makes a commit of every kind, so that each sabotage finds its target, whatever the history is. */
async function leaveTraces() {
  const place = async (clientId: string, payment: "WALLET" | "CASH_ON_DELIVERY", quantity: number) => {
    const lines = [{ productId: "106", quantity }];
    const request = {
      kind: "place",
      clientId,
      lines,
      payment,
      key: `trace ${clientId} ${quantity}`,
    } as const;
    const answer = await askShop(graph.url, request);
    expect(answer).toEqual({ kind: "happened", id: expect.any(String) });
    return (answer as { id: string }).id;
  };
  await place("dakar:1", "WALLET", 1);
  // More than Thiès has, so Dakar gives some.
  await place("thies:2", "CASH_ON_DELIVERY", 8);
  const orderId = await place("thies:2", "CASH_ON_DELIVERY", 4);
  const cancelled = await askShop(graph.url, { kind: "cancel", orderId, key: "trace" });
  expect(cancelled).toEqual({ kind: "happened", id: expect.any(String) });
  await untilAtRest(graph);
}

async function readFacts(): Promise<CityFacts[]> {
  return Promise.all(CITY_IDS.map((city) => readCityFacts(city, graph.sql(city))));
}

/** Twelve clients on five products, so that they contend for every row. */
async function record(seed: string, operationsMax: number) {
  const clients = startShopClients({
    url: graph.url,
    random: createRandom(seed),
    world: {
      cityIds: CITY_IDS,
      clientIds: ["dakar:1", "dakar:11", "thies:2", "thies:34", "saint-louis:3", "autres:5"],
      productIds: ["101", "104", "107", "110", "113"],
    },
    count: 12,
    pauseMs: 5,
    stop: AbortSignal.timeout(60_000),
    triesMax: 4,
    operationsMax,
  });
  let isUnderWay = true;
  // The invariants must hold during the run too.
  const watching = (async () => {
    for (let looks = 0; looks < 10 && isUnderWay; looks++) await expectInvariants(graph);
  })();
  await clients.done.finally(() => {
    isUnderWay = false;
  });
  await watching;
  await untilAtRest(graph);
  await clients.settle();
  await untilAtRest(graph);
  return clients;
}

test("what clients did side by side could have happened one after the other", {
  timeout: 120_000,
}, async () => {
  const { operations, contradictions, unclear } = await record("history", 18);
  expect(contradictions).toEqual([]);
  // On a busy machine an answer may come too late, but none may report a fault.
  expect([...unclear.keys()].filter((why) => /INTERNAL|VIOLATION|INPUT|no code/.test(why))).toEqual([]);
  const { violations, commits, reads } = checkHistory({ cities: await readFacts(), operations });
  expect(violations).toEqual([]);
  // The run must prove something: some requests of every kind succeeded, and reads were compared.
  const kinds = Object.groupBy(operations, ({ request }) => request.kind);
  for (const [kind, own] of Object.entries(kinds))
    expect([kind, own.some(({ answer }) => answer.kind !== "refused")]).toEqual([kind, true]);
  expect(operations.filter(({ answer }) => answer.kind === "happened").length).toBeGreaterThan(80);
  expect(commits).toBeGreaterThan(80);
  expect(reads).toBeGreaterThan(20);
  await expectInvariants(graph);

  await expectFaultsToBeSeen(operations);
});

/**
 * The same history with one changed fact must be refused: the checker finds one fault among hundreds of
 * commits.
 */
async function expectFaultsToBeSeen(operations: Parameters<typeof checkHistory>[0]["operations"]) {
  const refused = async (spoil: (facts: CityFacts) => void) => {
    const cities = await readFacts();
    spoil(cities[0]!);
    return checkHistory({ cities, operations }).violations;
  };
  const without = <T>(list: T[], fits: (each: T) => boolean) => list.splice(list.findIndex(fits), 1);

  expect(await refused(({ levels }) => (levels[0]!.onHand += 1))).toHaveLength(2);
  expect(await refused(({ wallets }) => (wallets[0]!.balance -= 1))).toHaveLength(2);
  expect(await refused(({ orders }) => without(orders, ({ id }) => id.startsWith("dakar:")))).not.toEqual([]);
  expect(await refused(({ movements }) => without(movements, ({ reason }) => reason === "SOLD"))).not.toEqual(
    [],
  );
  expect(await refused(({ movements }) => movements.reverse())).not.toEqual([]);
}

/** Changes that the database's own rules would refuse, with the invariants' complaint about each. */
const SABOTAGE: readonly [statement: string, complaint: string][] = [
  ["update stock set on_hand = on_hand + 1", "a level is the sum of its movements"],
  ["update stock set reserved = on_hand", "what is reserved is what PREPARED transactions hold"],
  ["delete from orders", "a COMMITTED transaction has happened"],
  [
    "delete from transaction_decision where state = 'COMMITTED'",
    "what a home has moved is of a COMMITTED transaction",
  ],
  [
    "update participation set state = 'ABORTED' where state = 'COMMITTED'",
    "a participant goes by its home's decision",
  ],
  [
    "delete from stock_movement where reason = 'CONFIRMED'",
    "a participant has done what it has acknowledged",
  ],
  ["delete from stock_movement where reason = 'RETURNED'", "a participant has done what it has acknowledged"],
  ["delete from order_allocation", "what a participant has done its home has promised"],
  ["update wallet set balance = balance + 1", "a wallet is the sum of its entries"],
  ["delete from ledger_entry where account = 'SALES'", "the entries of a posting add up to zero"],
  ["update orders set total = total + 1", "wallets are charged what their orders cost"],
];

test.each(SABOTAGE)("after %s the invariants say: %s", async (statement, complaint) => {
  const databases = new Map(CITY_IDS.map((city) => [city, graph.sql(city)]));
  const undo = new Error("undo");
  const sabotage = graph.sql("dakar").begin(async (sql) => {
    // This turns off triggers and foreign keys.
    await sql`set local session_replication_role = replica`;
    await sql.unsafe(statement);
    const broken = await brokenInvariants(new Map([...databases, ["dakar", sql as unknown as Sql]]));
    expect(broken.join("\n")).toContain(complaint);
    throw undo;
  });
  await expect(sabotage).rejects.toBe(undo);
});
