/**
 * The answers and messages of cancelOrder, case by case, against model cities. faults.test.ts tests faults.
 */
import { describe, expect, test } from "vitest";
import type { Fault, FaultScript } from "../../test/faulty-network.ts";
import { BALANCE, ModelCities } from "../../test/model-cities.ts";
import {
  CLIENT,
  cancel,
  contextOver,
  FIRST_ORDER,
  KEY,
  OTHER_SCENARIOS,
  place,
  run,
  STOCK,
} from "../../test/orders-in-model.ts";

const calm: FaultScript = () => undefined;
const ofFourCities = OTHER_SCENARIOS["cancelling an order of four cities, paid from the wallet"];
const onCommit =
  (fault: Fault, times = Number.POSITIVE_INFINITY): FaultScript =>
  (_, message) =>
    message === "commit dakar" && times-- > 0 ? fault : undefined;

describe("an order", () => {
  test("of the home alone is cancelled by one commit", async () => {
    const { answer, sent } = await run(OTHER_SCENARIOS["cancelling an order of the home"], calm);
    expect(answer).toMatchObject({ __typename: "OrderCancelled", order: { id: FIRST_ORDER } });
    expect(sent).toEqual(["commit dakar"]);
  });

  test("of several cities too, and each that gave is told; nothing is prepared, nothing asked before", async () => {
    const { answer, sent } = await run(ofFourCities, calm);
    expect(answer.__typename).toBe("OrderCancelled");
    expect(sent).toEqual(["commit dakar", "decide COMMITTED thies", "decide COMMITTED saint-louis"]);
  });

  test("that was paid from the wallet is refunded, and all stock is back", async () => {
    const cities = new ModelCities(CLIENT, STOCK);
    const context = contextOver(cities);
    const lines = [{ productId: "101", quantity: 9 }];
    await place(lines, context, { payment: "WALLET" });
    expect(cities.homes.balance).toBe(BALANCE - 900);
    await cancel(FIRST_ORDER, context);
    expect(cities.homes.balance).toBe(BALANCE);
    expect(cities.breaches()).toEqual([]);
    // All of the stock can be ordered again.
    const again = await place([{ productId: "101", quantity: 17 }], context, { idempotencyKey: "again" });
    expect(again.__typename).toBe("OrderPlaced");
  });

  test("is cancelled once: the same key gives the same answer, another key and none say so", async () => {
    const cities = new ModelCities(CLIENT, STOCK);
    const context = contextOver(cities);
    await place([{ productId: "101", quantity: 4 }], context);
    const first = await cancel(FIRST_ORDER, context);
    expect(await cancel(FIRST_ORDER, context)).toEqual(first);
    const already = { __typename: "OrderAlreadyCancelled", order: { id: FIRST_ORDER } };
    expect(await cancel(FIRST_ORDER, context, "another key")).toMatchObject(already);
    expect(await cancel(FIRST_ORDER, context, null)).toMatchObject(already);
    expect(cities.breaches()).toEqual([]);
  });

  test("of another id under the key is refused", async () => {
    const cities = new ModelCities(CLIENT, STOCK);
    const context = contextOver(cities);
    const second = (await place([{ productId: "101", quantity: 1 }], context)).order!;
    const first = await cancel(second.id, context);
    const other = await place([{ productId: "101", quantity: 1 }], context, { idempotencyKey: "other" });
    expect(await cancel(other.order!.id, context)).toMatchObject({
      __typename: "IdempotencyKeyReused",
      transaction: first.transaction,
      order: null,
    });
  });

  test("cancelled twice at once with one key is one commit in one process", async () => {
    const cities = new ModelCities(CLIENT, STOCK);
    const context = contextOver(cities);
    await place([{ productId: "101", quantity: 4 }], context);
    const [a, b] = await Promise.all([cancel(FIRST_ORDER, context), cancel(FIRST_ORDER, context)]);
    expect([a.__typename, b]).toEqual(["OrderCancelled", a]);
    expect(cities.network.sent.filter((message) => message === "commit dakar")).toHaveLength(2);
  });
});

describe("the answer", () => {
  test.each([
    ["an order that nobody placed", FIRST_ORDER, ["commit dakar"]],
    ["an id that no order can have", "dakar:1", []],
    ["a UUID in capitals, which is another text", "dakar:00000000-0000-7000-8000-00000000000A", []],
  ])("to %s is UnknownOrder", async (_, orderId, sent) => {
    const cities = new ModelCities(CLIENT, STOCK);
    expect(await cancel(orderId, contextOver(cities))).toMatchObject({ __typename: "UnknownOrder", orderId });
    expect(cities.network.sent).toEqual(sent);
  });

  test.each([
    ["a town", "Dakar", "BAD_USER_INPUT"],
    ["nothing", "", "BAD_USER_INPUT"],
    ["a city that is none", "atlantis:00000000-0000-7000-8000-000000000001", "UNKNOWN_CITY"],
  ])("to %s is an error", async (_, orderId, code) => {
    const cities = new ModelCities(CLIENT, STOCK);
    expect((await cancel(orderId, contextOver(cities))).__typename).toBe(code);
    expect(cities.network.sent).toEqual([]);
  });

  test("if no commit is answered, is what the outcome says; the home tells the others, whom we do not know", async () => {
    const { answer, sent } = await run(ofFourCities, onCommit("lose-answer"));
    expect(answer.__typename).toBe("OrderCancelled");
    expect(sent).toEqual(["commit dakar", "commit dakar", "commit dakar", "outcome dakar"]);
  });

  test("if the outcome is a fence, comes from another transaction", async () => {
    const { answer, sent } = await run(ofFourCities, onCommit("late", 3));
    expect(answer.__typename).toBe("OrderCancelled");
    expect(sent.slice(0, 5)).toEqual([
      "commit dakar",
      "commit dakar",
      "commit dakar",
      "outcome dakar",
      "commit dakar",
    ]);
  });

  test("is CITY_UNAVAILABLE if every transaction is fenced, after three of them", async () => {
    const { answer, sent } = await run(ofFourCities, onCommit("late"));
    expect(answer).toEqual({ __typename: "CITY_UNAVAILABLE", city: "dakar" });
    expect(sent.filter((message) => message === "outcome dakar")).toHaveLength(3);
  });

  test.each([
    [
      "OutcomeUnknown, with the key, if a commit may have arrived",
      "lose-answer",
      { __typename: "OutcomeUnknown", idempotencyKey: KEY },
    ],
    ["CITY_UNAVAILABLE if none can have", "refuse", { __typename: "CITY_UNAVAILABLE", city: "dakar" }],
  ] as const)("of a home that is silent is %s", async (_, fault, expected) => {
    const { answer } = await run(ofFourCities, (__, message) =>
      message.endsWith("dakar") ? fault : undefined,
    );
    expect(answer).toMatchObject(expected);
  });
});
