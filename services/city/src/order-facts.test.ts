/**
 * The orchestrator's questions before an order, over the wire: batches in order,
 * and questions that match no row.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startWiredCity, type WiredCity } from "../test/city-over-wire.ts";
import { cancellationOf, idOf, orderOf, smallOrder, transferOf } from "../test/protocol-database.ts";

const ORDER = idOf("dakar", 1);
const CANCEL = idOf("dakar", 2);
const TRANSFER = idOf("dakar", 3);

let dakar: WiredCity;
beforeAll(async () => {
  dakar = await startWiredCity("dakar", "order_facts");
  await dakar.reset();
  await dakar.send("commit", [orderOf(ORDER), smallOrder(idOf("dakar", 4), 1, 5, { clientId: "dakar:2" })]);
  await dakar.send("cancel", [cancellationOf(CANCEL, ORDER)]);
  await dakar.send("transfer", [transferOf(TRANSFER)]);
});
afterAll(() => dakar.close());

const ASK = `query ($questions: [OrderFactsInput!]!) {
  orderFacts(questions: $questions) { clientExists available keyedOrder { transactionId requestHash } }
}`;
const ASK_KEY = `query ($kind: TransactionKind!, $clientId: ID, $key: String!) {
  keyedTransaction(kind: $kind, clientId: $clientId, idempotencyKey: $key) { transactionId requestHash }
}`;

describe("orderFacts", () => {
  const facts = async (...questions: object[]) => {
    const { data, errors } = await dakar.ask(ASK, { questions });
    return { facts: (data as { orderFacts: object[] } | undefined | null)?.orderFacts, errors };
  };
  const question = (changes: object = {}) => ({
    clientId: "dakar:1",
    idempotencyKey: "key",
    productIds: ["101"],
    ...changes,
  });
  const keyedOrder = { transactionId: ORDER, requestHash: "hash" };
  /**
   * Ten pieces, less the other client's one, plus four of the transfer. The cancelled
   * order has given its pieces back.
   */
  const available = 13;

  test("are answered in the order of the questions, and of the products of each", async () => {
    const { facts: answers } = await facts(
      question({ productIds: ["999", "101", "999", "101"] }),
      question({ idempotencyKey: "unused", productIds: [] }),
      question({ clientId: "dakar:77" }),
      question({ clientId: "dakar:2" }),
      question(),
    );
    expect(answers).toEqual([
      { clientExists: true, keyedOrder, available: [0, available, 0, available] },
      { clientExists: true, keyedOrder: null, available: [] },
      { clientExists: false, keyedOrder: null, available: [available] },
      { clientExists: true, keyedOrder: null, available: [available] },
      { clientExists: true, keyedOrder, available: [available] },
    ]);
  });

  test("of no client and of no key", async () => {
    expect((await facts(question({ clientId: null }), question({ idempotencyKey: null }))).facts).toEqual([
      { clientExists: null, keyedOrder: null, available: [available] },
      { clientExists: true, keyedOrder: null, available: [available] },
    ]);
  });

  test("of what cannot be stored are those of nothing, and spoil no other answer", async () => {
    const odd = ["\0", "\ud800", "", "k".repeat(10_000)];
    const questions = odd.flatMap((text) => [
      question({ idempotencyKey: text }),
      question({ clientId: `dakar:${text}` }),
      question({ productIds: [text, "101"] }),
    ]);
    const { facts: answers } = await facts(...questions, question());
    const nothing = { clientExists: true, keyedOrder: null, available: [available] };
    expect(answers).toEqual([
      ...odd.flatMap(() => [
        nothing,
        { ...nothing, clientExists: false },
        { ...nothing, keyedOrder, available: [0, available] },
      ]),
      { ...nothing, keyedOrder },
    ]);
  });

  test("of another city's client are refused", async () => {
    const { errors } = await facts(question(), question({ clientId: "thies:1" }));
    expect(errors).toEqual([{ code: "WRONG_CITY", city: "dakar" }]);
    expect((await facts(question({ clientId: "atlantis:1" }))).errors).toEqual([
      expect.objectContaining({ code: "UNKNOWN_CITY" }),
    ]);
  });

  test("may be 1,000 in a batch, and no more", async () => {
    const questions = (count: number) => Array.from({ length: count }, () => question());
    expect((await facts(...questions(1_000))).facts).toHaveLength(1_000);
    expect((await facts(...questions(1_001))).errors).toEqual([
      { code: "BAD_USER_INPUT", field: "questions" },
    ]);
    expect((await facts()).facts).toEqual([]);
  });
});

describe("keyedTransaction", () => {
  const keyed = async (kind: string, clientId: string | null, key: string) => {
    const { data, errors } = await dakar.ask(ASK_KEY, { kind, clientId, key });
    return errors ?? (data as { keyedTransaction: object | null }).keyedTransaction;
  };

  test("of each kind, each with the same key", async () => {
    expect(await keyed("ORDER", "dakar:1", "key")).toEqual({ transactionId: ORDER, requestHash: "hash" });
    expect(await keyed("CANCELLATION", "dakar:1", "key")).toEqual({
      transactionId: CANCEL,
      requestHash: "cancel hash",
    });
    expect(await keyed("TRANSFER", null, "key")).toEqual({
      transactionId: TRANSFER,
      requestHash: "transfer hash",
    });
  });

  test.each<[string, string, string | null, string]>([
    ["of another client", "ORDER", "dakar:2", "key"],
    ["of nobody", "ORDER", null, "key"],
    ["of a client, for a transfer", "TRANSFER", "dakar:1", "key"],
    ["of a client that does not exist", "CANCELLATION", "dakar:77", "key"],
    ["that is unused", "ORDER", "dakar:1", "unused"],
    ["that is empty", "ORDER", "dakar:1", ""],
    ["with a NUL", "ORDER", "dakar:1", "\0"],
    ["with half a character", "ORDER", "dakar:1", "\ud800"],
    ["with a NUL in the client", "ORDER", "dakar:\0", "key"],
  ])("is null for a key %s", async (_name, kind, clientId, key) => {
    expect(await keyed(kind, clientId, key)).toBeNull();
  });

  test("takes half a character for no other key", async () => {
    // The key that the driver would send instead.
    const replaced = smallOrder(idOf("dakar", 9), 1, 5, { idempotencyKey: "\ufffd" });
    expect((await dakar.send("commit", [replaced])).states).toEqual(["COMMITTED"]);
    expect(await keyed("ORDER", "dakar:1", "\ufffd")).toMatchObject({ transactionId: idOf("dakar", 9) });
    expect(await keyed("ORDER", "dakar:1", "\ud800")).toBeNull();
  });

  test("is refused for another city's client", async () => {
    expect(await keyed("ORDER", "thies:1", "key")).toEqual([{ code: "WRONG_CITY", city: "dakar" }]);
  });
});
