/**
 * The messages of cancellations and transfers over the wire, forged and misrouted. An entry that breaks the
 * protocol raises the alarm and leaves the city as it was. So does a message that cannot be read.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Message, startWiredCity, type WiredCity } from "../test/city-over-wire.ts";
import { brokenInvariants } from "../test/invariants.ts";
import { cancellationOf, idOf, line, orderOf, smallOrder, transferOf } from "../test/protocol-database.ts";

const ORDER = idOf("dakar", 1);
const OWN = idOf("dakar", 50);
const FOREIGN = idOf("thies", 50);
const INT_MAX = 2_147_483_647;

let dakar: WiredCity;
beforeAll(async () => {
  dakar = await startWiredCity("dakar", "message_kinds");
});
afterAll(() => dakar.close());
beforeEach(async () => {
  await dakar.reset();
  expect((await dakar.send("commit", [orderOf(ORDER)])).states).toEqual(["COMMITTED"]);
  dakar.takeLog();
});
afterEach(async () => {
  expect(await brokenInvariants((text) => dakar.sql.unsafe(text))).toEqual({});
});

const prepare = (changes: object) => ({
  transactionId: FOREIGN,
  kind: "TRANSFER",
  lines: [line("101", 1)],
  leaseMs: 10_000,
  ...changes,
});
const decision = (changes: object) => ({
  transactionId: FOREIGN,
  kind: "CANCELLATION",
  decision: "COMMITTED",
  lines: [line("101", 1)],
  ...changes,
});
const cancellation = (changes: object) => cancellationOf(OWN, ORDER, changes);
const transfer = (changes: object) => transferOf(OWN, changes);
const question = (changes: object) => ({ transactionId: OWN, cityId: "thies", ...changes });

describe("a violation raises the alarm and changes nothing", () => {
  test.each<[string, Message, object]>([
    ["the prepare of a cancellation", "prepare", prepare({ kind: "CANCELLATION" })],
    ["the prepare of this city's own transfer", "prepare", prepare({ transactionId: OWN })],
    ["the prepare of a transfer of less than nothing", "prepare", prepare({ lines: [line("101", -1)] })],
    ["a cancellation of another home", "cancel", cancellation({ transactionId: FOREIGN })],
    [
      "a cancellation of a city that does not exist",
      "cancel",
      cancellation({ transactionId: idOf("atlantis", 1) }),
    ],
    ["a cancellation of another city's order", "cancel", cancellation({ orderId: FOREIGN })],
    ["a cancellation of nothing", "cancel", cancellation({ orderId: "" })],
    ["a cancellation of half a character", "cancel", cancellation({ orderId: "dakar:\ud800" })],
    ["a cancellation with a NUL in its key", "cancel", cancellation({ idempotencyKey: "\0" })],
    ["a cancellation with an endless key", "cancel", cancellation({ idempotencyKey: "k".repeat(201) })],
    ["a cancellation without a hash", "cancel", cancellation({ requestHash: "" })],
    ["a cancellation under the order's id", "cancel", cancellation({ transactionId: ORDER })],
    ["a transfer of another home", "transfer", transfer({ transactionId: FOREIGN })],
    ["a transfer from the city itself", "transfer", transfer({ fromCityId: "dakar" })],
    ["a transfer from what is no city's id", "transfer", transfer({ fromCityId: "Atlantis" })],
    ["a transfer from nowhere", "transfer", transfer({ fromCityId: "" })],
    ["a transfer of nothing", "transfer", transfer({ quantity: 0 })],
    ["a transfer of less than nothing", "transfer", transfer({ quantity: -1 })],
    ["a transfer of half a character", "transfer", transfer({ productId: "\ud800" })],
    ["a transfer of an endless product", "transfer", transfer({ productId: "1".repeat(101) })],
    ["a transfer without a key", "transfer", transfer({ idempotencyKey: "" })],
    ["a transfer under the order's id", "transfer", transfer({ transactionId: ORDER })],
    ["a cancellation that is aborted", "decide", decision({ decision: "ABORTED", lines: [] })],
    ["a return for this city's own cancellation", "decide", decision({ transactionId: OWN })],
    ["a return of a product that the city never had", "decide", decision({ lines: [line("999", 1)] })],
    ["a return of less than nothing", "decide", decision({ lines: [line("101", -1)] })],
    ["a return of nothing", "decide", decision({ lines: [] })],
    ["a return of one product twice", "decide", decision({ lines: [line("101", 1), line("101", 1)] })],
    ["the commit of a transfer that was not prepared", "decide", decision({ kind: "TRANSFER" })],
    [
      "an abort with lines that no database can hold",
      "decide",
      decision({ kind: "ORDER", decision: "ABORTED", lines: [line("\0", 1)] }),
    ],
    ["a question of what is no city's id", "outcome", question({ cityId: "Atlantis" })],
    ["a question about another home's", "outcome", question({ transactionId: FOREIGN })],
  ])("%s", async (_name, message, entry) => {
    const before = await dakar.contents();
    expect((await dakar.send(message, [entry])).states).toEqual(["VIOLATION"]);
    const { transactionId } = entry as { transactionId: string };
    expect(dakar.takeLog()).toEqual([
      expect.objectContaining({ level: 60, alarm: "PROTOCOL_VIOLATION", transactionId }),
    ]);
    expect(await dakar.contents()).toEqual(before);
  });

  test.each<[string, Message, (number: number) => object, object]>([
    [
      "cancellations",
      "cancel",
      (number) =>
        cancellationOf(idOf("dakar", 60 + number), idOf("dakar", 2 + number), {
          idempotencyKey: `${number}`,
        }),
      cancellation({ orderId: FOREIGN }),
    ],
    [
      "transfers",
      "transfer",
      (number) => transferOf(idOf("dakar", 60 + number), { idempotencyKey: `${number}` }),
      transfer({ quantity: -1 }),
    ],
    [
      "returns",
      "decide",
      (number) => decision({ transactionId: idOf("thies", 60 + number) }),
      decision({ lines: [line("999", 1)] }),
    ],
  ])("one among %s is alone", async (_name, message, entry, broken) => {
    await dakar.send("commit", [smallOrder(idOf("dakar", 2), 1, 5), smallOrder(idOf("dakar", 3), 1, 5)]);
    const { states } = await dakar.send(message, [entry(0), broken, entry(1)]);
    const done = message === "decide" ? "DONE" : "COMMITTED";
    expect(states).toEqual([done, "VIOLATION", done]);
    expect(dakar.takeLog()).toHaveLength(1);
  });
});

describe("a message that cannot be read is refused as a whole and changes nothing", () => {
  test.each<[string, Message, object]>([
    ["a transfer beyond what a level can hold", "transfer", transfer({ quantity: INT_MAX + 1 })],
    ["a transfer of half a piece", "transfer", transfer({ quantity: 0.5 })],
    ["a return beyond what a level can hold", "decide", decision({ lines: [line("101", INT_MAX + 1)] })],
    ["a decision of no kind", "decide", decision({ kind: "GIFT" })],
    ["a cancellation without an order", "cancel", cancellation({ orderId: null })],
  ])("%s", async (_name, message, entry) => {
    const before = await dakar.contents();
    const { states, errors } = await dakar.send(message, [entry]);
    expect(states).toBeUndefined();
    expect(errors).toEqual([expect.objectContaining({ code: "BAD_USER_INPUT" })]);
    expect(await dakar.contents()).toEqual(before);
  });

  test.each<[Message, (number: number) => object, string]>([
    ["prepare", (number) => prepare({ transactionId: idOf("thies", number) }), "transactions"],
    ["commit", (number) => smallOrder(idOf("dakar", number), 1, 1), "orders"],
    ["cancel", (number) => cancellation({ transactionId: idOf("dakar", number) }), "cancellations"],
    ["transfer", (number) => transfer({ transactionId: idOf("dakar", number) }), "transfers"],
    ["decide", (number) => decision({ transactionId: idOf("thies", number) }), "decisions"],
    ["outcome", (number) => question({ transactionId: idOf("dakar", number) }), "transactions"],
  ])("a batch of 1,001 or of 10,000: %s", async (message, entry, field) => {
    const before = await dakar.contents();
    const batch = (entries: number) => Array.from({ length: entries }, (_, index) => entry(1_000 + index));
    expect((await dakar.send(message, batch(1_001))).errors).toEqual([{ code: "BAD_USER_INPUT", field }]);
    const [error] = (await dakar.send(message, batch(10_000))).errors as [{ code: string }];
    expect(["BAD_USER_INPUT", "REQUEST_TOO_LARGE"]).toContain(error.code);
    expect(await dakar.contents()).toEqual(before);
  });
});
