/**
 * The commit protocol's messages over the wire, as a broken or hostile sender might send them. An entry that
 * breaks the protocol changes nothing, and does not affect the entries beside it.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startWiredCity, type WiredCity } from "../test/city-over-wire.ts";
import { idOf } from "../test/protocol-database.ts";

let dakar: WiredCity;
beforeAll(async () => {
  dakar = await startWiredCity("dakar", "messages");
});
afterAll(() => dakar.close());
beforeEach(() => dakar.reset());

let count = 0;
/** A transaction id that was not used before. */
const newId = (home: string) => idOf(home, count++);
const line = (quantity = 1, productId = "101") => ({ productId, quantity });
const prepare = (transactionId: string, changes: object = {}) => ({
  transactionId,
  kind: "ORDER",
  lines: [line()],
  leaseMs: 10_000,
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

const send: WiredCity["send"] = (message, of) => dakar.send(message, of);

describe("an entry that breaks the protocol, between two that do not", () => {
  test.each<[string, object]>([
    ["of this city itself", { transactionId: newId("dakar") }],
    ["of what is no city's id", { transactionId: newId("Thiès") }],
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
    ["from what is no city's id", { allocations: [{ ...line(), cityId: "Thiès" }] }],
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
    const [orders] = await dakar.sql`select count(*)::int as count from orders`;
    expect(orders).toEqual({ count: 2 });
  });

  test("a decision and a question for the wrong home", async () => {
    const decision = (home: string) => ({
      transactionId: newId(home),
      kind: "ORDER",
      decision: "ABORTED",
      lines: [],
    });
    expect((await send("decide", [decision("thies"), decision("dakar")])).states).toEqual([
      "DONE",
      "VIOLATION",
    ]);
    const question = (home: string, cityId: string) => ({ transactionId: newId(home), cityId });
    const questions = [question("dakar", "thies"), question("thies", "dakar"), question("dakar", "Thiès")];
    expect((await send("outcome", questions)).states).toEqual(["ABORTED", "VIOLATION", "VIOLATION"]);
  });
});

describe("a city that the receiver's topology does not have", () => {
  test("is the home of what it takes part in", async () => {
    const prepared = prepare(newId("casamance"));
    const { transactionId, kind, lines } = prepared;
    const decision = { transactionId, kind, decision: "COMMITTED", lines };
    expect((await send("prepare", [prepared])).states).toEqual(["PREPARED"]);
    expect((await send("decide", [decision])).states).toEqual(["DONE"]);
  });

  test("gives to an order, gives to a transfer, and asks for an outcome", async () => {
    const given = order(newId("dakar"), { allocations: [{ ...line(), cityId: "casamance" }] });
    const transfer = {
      transactionId: newId("dakar"),
      fromCityId: "casamance",
      idempotencyKey: "key",
      requestHash: "hash",
      ...line(),
    };
    expect((await send("commit", [given])).states).toEqual(["COMMITTED"]);
    expect((await send("transfer", [transfer])).states).toEqual(["COMMITTED"]);
    const question = { transactionId: given.transactionId, cityId: "casamance" };
    expect((await send("outcome", [question])).states).toEqual(["COMMITTED"]);
  });
});

describe("one message twice in a batch", () => {
  test("is answered twice and done once; another message under its id is a violation", async () => {
    const first = prepare(newId("thies"));
    const { states } = await send("prepare", [first, first, { ...first, lines: [line(2)] }]);
    expect(states).toEqual(["PREPARED", "PREPARED", "VIOLATION"]);
    const [level] = await dakar.sql`select reserved from stock`;
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
  const [participations] = await dakar.sql`select count(*)::int as count from participation`;
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
