/**
 * Goal: a request ends at its caller's deadline, and its work is undone as a whole. Method: over the wire to
 * a real city, while another transaction holds the rows that it needs.
 */
import { serviceHeaders } from "@teranga/kit/http/credential.ts";
import { DEADLINE_HEADER } from "@teranga/kit/http/deadline.ts";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { CREDENTIAL, startWiredCity, type WiredCity } from "../test/city-over-wire.ts";
import { idOf } from "../test/protocol-database.ts";

const EXCEEDED = [expect.objectContaining({ extensions: { code: "DEADLINE_EXCEEDED" } })];
const RESTOCK = `mutation { restock(input: { cityId: "dakar", productId: "101", quantity: 5 }) { ... on Restocked { stock { onHand } } } }`;
const PREPARE = "mutation ($of: [PrepareInput!]!) { prepare(transactions: $of) { state } }";

let dakar: WiredCity;
beforeAll(async () => {
  dakar = await startWiredCity("dakar", "city_deadline");
});
afterAll(() => dakar.close());
beforeEach(() => dakar.reset());

async function ask(deadlineMs: number, query: string, variables: object = {}) {
  const response = await fetch(dakar.url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...serviceHeaders(CREDENTIAL),
      [DEADLINE_HEADER]: String(deadlineMs),
    },
    body: JSON.stringify({ query, variables }),
  });
  return (await response.json()) as { data?: unknown; errors?: object[] };
}

/** Runs a function while another transaction holds the product's row. */
async function whileHeld<Result>(run: () => Promise<Result>): Promise<Result> {
  let result: Result;
  await dakar.sql.begin(async (sql) => {
    await sql`select 1 from stock where product_id = '101' for update`;
    result = await run();
  });
  return result!;
}

test("a mutation that waits for a row ends at the deadline and has changed nothing; the next one goes through", async () => {
  const before = await dakar.contents();
  const startMs = performance.now();
  const { errors } = await whileHeld(() => ask(300, RESTOCK));
  expect(errors).toEqual(EXCEEDED);
  expect(performance.now() - startMs).toBeLessThan(2_000);
  expect(await dakar.contents()).toEqual(before);
  expect(await ask(5_000, RESTOCK)).toEqual({ data: { restock: { stock: { onHand: 15 } } } });
});

test("a message of the commit protocol is undone as a whole, and can be sent again", async () => {
  const prepare = {
    transactionId: idOf("thies", 1),
    kind: "ORDER",
    leaseMs: 60_000,
    lines: [{ productId: "101", quantity: 2 }],
  };
  const before = await dakar.contents();
  const { errors } = await whileHeld(() => ask(300, PREPARE, { of: [prepare] }));
  expect(errors).toEqual(EXCEEDED);
  expect(await dakar.contents()).toEqual(before);
  expect(await ask(5_000, PREPARE, { of: [prepare] })).toEqual({
    data: { prepare: [{ state: "PREPARED" }] },
  });
});

test("a request that comes too late is not begun", async () => {
  const before = await dakar.contents();
  const { errors } = await ask(0, RESTOCK);
  expect(errors).toEqual(EXCEEDED);
  expect(await dakar.contents()).toEqual(before);
});

test("it is no fault of ours, so no log line says so", () => {
  expect(dakar.takeLog()).toEqual([]);
});
