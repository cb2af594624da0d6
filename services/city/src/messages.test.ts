/**
 * The commit protocol's messages over the wire, as a broken or hostile sender might send them: an entry that breaks the protocol
 * changes nothing, and the entries beside it are as if it were not there.
 */
import { authorization } from "@teranga/kit/credential.ts";
import { type Database, openDatabase, type Sql } from "@teranga/kit/database.ts";
import { createLogger } from "@teranga/kit/log.ts";
import type { RunningServer } from "@teranga/kit/server.ts";
import { parseTopology } from "@teranga/kit/topology.ts";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import { startCity } from "./service.ts";

const CREDENTIAL = "a-credential-for-tests";
const place = (name: string, isDefault = false) =>
  `{ name: ${name}, default: ${isDefault}, location: { latitude: 14, longitude: -17 }, urls: ["http://127.0.0.1:9/graphql"] }`;
const topology = parseTopology(`subgraphs:
  catalog: { replicas: ["http://127.0.0.1:9/graphql"] }
  city:
    partitions:
      dakar: ${place("Dakar")}
      thies: ${place("Thies")}
      autres: ${place("Autres", true)}
`);

let database: Database;
let dakar: RunningServer;
beforeAll(async () => {
  await onServer((sql) => sql`create database messages`);
  const databaseUrl = inject("postgresUrl").replace(/\/postgres$/, "/messages");
  database = openDatabase({ url: databaseUrl, applicationName: "test" });
  const options = { cityId: "dakar", databaseUrl, topology, credential: CREDENTIAL, port: 0 };
  dakar = await startCity({ ...options, log: createLogger("test", "silent"), recoveryIntervalMs: 3_600_000 });
});
afterAll(async () => {
  await dakar.close();
  await database.close();
  await onServer((sql) => sql`drop database messages`);
});

/** Does something on the server that the tests of a run share. */
async function onServer(action: (sql: Sql) => Promise<unknown>): Promise<void> {
  const server = openDatabase({ url: inject("postgresUrl"), applicationName: "test", connections: 1 });
  await action(server.sql);
  await server.close();
}

beforeEach(async () => {
  await database.sql`truncate client, stock, transaction_decision, participation cascade`;
  await database.sql`insert into client (id, name, email, town) values ('dakar:1', 'n', 'e@example.com', 'Dakar')`;
  await database.sql`insert into stock (product_id, warehouse, on_hand) values ('101', 'Dakar', 10)`;
});

let count = 0;
/** A transaction id that was not used before. */
const newId = (home: string) => `${home}:00000000-0000-7000-8000-${String(count++).padStart(12, "0")}`;
const line = (quantity = 1, productId = "101") => ({ productId, quantity });
const prepare = (transactionId: string, changes: object = {}) => ({
  transactionId,
  lines: [line()],
  deadline: "2026-01-01T00:00:00Z",
  ...changes,
});
const order = (transactionId: string, changes: object = {}) => ({
  transactionId,
  clientId: "dakar:1",
  idempotencyKey: `key of ${transactionId}`,
  requestHash: "hash",
  paymentMethod: "CASH_ON_DELIVERY",
  lines: [{ ...line(), unitPrice: 5 }],
  allocations: [{ ...line(), cityId: "dakar" }],
  ...changes,
});

const MESSAGES = {
  prepare: "mutation ($of: [PrepareInput!]!) { answers: prepare(transactions: $of) { state } }",
  commit: "mutation ($of: [CommitOrderInput!]!) { answers: commitOrders(orders: $of) { state } }",
  decide: "mutation ($of: [DecisionInput!]!) { answers: decide(decisions: $of) { state } }",
  outcome: "mutation ($of: [OutcomeInput!]!) { answers: outcome(transactions: $of) { state } }",
};

async function send(kind: keyof typeof MESSAGES, of: object[]) {
  const response = await fetch(dakar.url, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: authorization(CREDENTIAL) },
    body: JSON.stringify({ query: MESSAGES[kind], variables: { of } }),
  });
  const { data, errors } = (await response.json()) as {
    data?: { answers: { state: string }[] } | null;
    errors?: { extensions: object }[];
  };
  return {
    states: data?.answers?.map(({ state }) => state),
    errors: errors?.map(({ extensions }) => extensions),
  };
}

describe("an entry that breaks the protocol, between two that do not", () => {
  test.each<[string, object]>([
    ["of this city itself", { transactionId: newId("dakar") }],
    ["of a city that does not exist", { transactionId: newId("atlantis") }],
    ["without a UUID", { transactionId: "thies:1" }],
    ["without lines", { lines: [] }],
    ["of one product twice", { lines: [line(), line()] }],
    ["of nothing", { lines: [line(0)] }],
    ["of less than nothing", { lines: [line(-1)] }],
    ["of half a character", { lines: [line(1, "\ud800")] }],
    ["of a NUL", { lines: [line(1, "\0")] }],
    ["of an endless product", { lines: [line(1, "1".repeat(101))] }],
  ])("prepare %s", async (_name, changes) => {
    const { states } = await send("prepare", [
      prepare(newId("thies")),
      prepare(newId("thies"), changes),
      prepare(newId("autres")),
    ]);
    expect(states).toEqual(["PREPARED", "VIOLATION", "PREPARED"]);
  });

  test.each<[string, object]>([
    ["of another home", { transactionId: newId("thies") }],
    ["of another city's client", { clientId: "thies:2" }],
    ["of half a key", { idempotencyKey: "\ud800" }],
    ["without a hash", { requestHash: "" }],
    [
      "at a price beyond any that can be stored",
      {
        lines: [
          { ...line(), unitPrice: 2 ** 53 - 1 },
          { ...line(1, "102"), unitPrice: 1 },
        ],
      },
    ],
    ["at less than nothing", { lines: [{ ...line(), unitPrice: -1 }] }],
    ["with less than its lines", { allocations: [] }],
    ["with more than its lines", { allocations: [{ ...line(2), cityId: "dakar" }] }],
    ["from a city that does not exist", { allocations: [{ ...line(), cityId: "atlantis" }] }],
    [
      "from a city twice",
      {
        lines: [{ ...line(2), unitPrice: 5 }],
        allocations: [
          { ...line(), cityId: "dakar" },
          { ...line(), cityId: "dakar" },
        ],
      },
    ],
  ])("commit %s", async (_name, changes) => {
    const { states } = await send("commit", [
      order(newId("dakar")),
      order(newId("dakar"), changes),
      order(newId("dakar")),
    ]);
    expect(states).toEqual(["COMMITTED", "VIOLATION", "COMMITTED"]);
    const [orders] = await database.sql`select count(*)::int as count from orders`;
    expect(orders).toEqual({ count: 2 });
  });

  test("a decision and a question for the wrong home", async () => {
    const decision = (home: string) => ({ transactionId: newId(home), decision: "ABORTED", lines: [] });
    expect((await send("decide", [decision("thies"), decision("dakar")])).states).toEqual([
      "DONE",
      "VIOLATION",
    ]);
    const question = (home: string, cityId: string) => ({ transactionId: newId(home), cityId });
    const questions = [question("dakar", "thies"), question("thies", "dakar"), question("dakar", "atlantis")];
    expect((await send("outcome", questions)).states).toEqual(["ABORTED", "VIOLATION", "VIOLATION"]);
  });
});

describe("one message twice in a batch", () => {
  test("is answered twice and done once; another message under its id is a violation", async () => {
    const first = prepare(newId("thies"));
    const { states } = await send("prepare", [first, first, { ...first, lines: [line(2)] }]);
    expect(states).toEqual(["PREPARED", "PREPARED", "VIOLATION"]);
    const [level] = await database.sql`select reserved from stock`;
    expect(level).toEqual({ reserved: 1 });
  });

  test("two cities ask about one transaction", async () => {
    const transactionId = newId("dakar");
    const { states } = await send("outcome", [
      { transactionId, cityId: "thies" },
      { transactionId, cityId: "autres" },
    ]);
    expect(states).toEqual(["ABORTED", "ABORTED"]);
  });
});

test("a batch of 1,001 is refused, and changes nothing", async () => {
  const { errors } = await send(
    "prepare",
    Array.from({ length: 1_001 }, () => prepare(newId("thies"))),
  );
  expect(errors).toEqual([{ code: "BAD_USER_INPUT", field: "transactions" }]);
  const [participations] = await database.sql`select count(*)::int as count from participation`;
  expect(participations).toEqual({ count: 0 });
});

test("orders of one batch are judged one after the other, each on its own", async () => {
  const large = {
    lines: [{ ...line(10), unitPrice: 5 }],
    allocations: [{ ...line(10), cityId: "dakar" }],
  };
  const orders = [order(newId("dakar")), order(newId("dakar"), large), order(newId("dakar"))];
  expect((await send("commit", orders)).states).toEqual(["COMMITTED", "REFUSED", "COMMITTED"]);
});
