/** The optional arguments of an order, and how much is read for each, against model cities. */
import { describe, expect, test } from "vitest";
import { BALANCE, ModelCities } from "../../test/model-cities.ts";
import { CLIENT, contextOver, place, STOCK } from "../../test/orders-in-model.ts";

const READS = ["read dakar", "read thies", "read saint-louis", "read autres"];

describe("what a client may ask for beside,", () => {
  const four = [{ productId: "101", quantity: 4 }];

  test("a total: the order is placed if it is right, else nothing is sent but reads, and the total is told", async () => {
    const cities = new ModelCities(CLIENT, STOCK);
    const context = contextOver(cities);
    expect(await place(four, context, { expectedTotal: 399 })).toMatchObject({
      __typename: "PriceChanged",
      expectedTotal: 399,
      total: 400,
    });
    expect(cities.network.sent).toEqual([...READS, "read dakar"]);
    expect((await place(four, context, { expectedTotal: 400 })).__typename).toBe("OrderPlaced");
  });

  test("a number of cities: the order is placed in no more; else it is told how many it would take", async () => {
    const cities = new ModelCities(CLIENT, STOCK);
    const context = contextOver(cities);
    const lines = [{ productId: "101", quantity: 11 }];
    expect(await place(lines, context, { maxSplits: 2 })).toMatchObject({
      __typename: "SplitLimitExceeded",
      maxSplits: 2,
      splits: 3,
    });
    expect(cities.network.sent).toEqual([...READS, "read dakar"]);
    cities.network.sent.length = 0;
    expect((await place(four, context, { maxSplits: 1 })).__typename).toBe("OrderPlaced");
    expect(cities.network.sent.slice(READS.length)).toEqual([
      "prepare thies",
      "commit dakar",
      "decide COMMITTED thies",
    ]);
    expect(cities.homes.orders()[0]!.order.allocations).toEqual([
      { cityId: "thies", productId: "101", quantity: 4 },
    ]);
  });

  test("the wallet: it is debited; if it holds too little nothing is ordered, and what it holds is told", async () => {
    const cities = new ModelCities(CLIENT, STOCK);
    const context = contextOver(cities);
    expect((await place(four, context, { payment: "WALLET" })).__typename).toBe("OrderPlaced");
    expect(cities.homes.balance).toBe(BALANCE - 400);
    const more = { payment: "WALLET", idempotencyKey: "more" } as const;
    const lines = [{ productId: "101", quantity: 7 }];
    expect(await place(lines, context, more)).toMatchObject({
      __typename: "PaymentDeclined",
      method: "WALLET",
      reason: "TOO_LITTLE_MONEY",
      total: 700,
      balance: 600,
    });
    expect(cities.network.sent.at(-1)).toBe("decide ABORTED saint-louis");
    expect(cities.breaches()).toEqual([]);
    // The failed call has not used up the key.
    cities.homes.balance += 100;
    expect((await place(lines, context, more)).__typename).toBe("OrderPlaced");
  });
});

describe("of the cities,", () => {
  /** What is asked at once for this many pieces, when the home had 2 a moment ago and has 1 now. */
  const askedAtOnce = async (quantity: number) => {
    const cities = new ModelCities(CLIENT, STOCK);
    const context = contextOver(cities);
    await place([{ productId: "101", quantity: 1 }], context, { idempotencyKey: null });
    cities.network.sent.length = 0;
    const answer = place([{ productId: "101", quantity }], context);
    const asked = [...cities.network.sent];
    expect((await answer).__typename).toBe("OrderPlaced");
    return { asked, sent: cities.network.sent };
  };

  test("nobody is asked for what the home has left by what it said a moment ago", async () => {
    expect((await askedAtOnce(1)).sent).toEqual(["commit dakar"]);
  });

  test("all are asked at once for more than that", async () => {
    const { asked, sent } = await askedAtOnce(2);
    expect(asked).toEqual(READS);
    expect(sent).toEqual([...READS, "prepare thies", "commit dakar", "decide COMMITTED thies"]);
  });

  test("a guess that is refused is an order that has lost once: all are asked", async () => {
    const cities = new ModelCities(CLIENT, STOCK);
    const context = contextOver(cities);
    context.reads.noteLevels("dakar", new Map([["101", 9]]));
    const { __typename } = await place([{ productId: "101", quantity: 3 }], context);
    expect(__typename).toBe("OrderPlaced");
    const { sent } = cities.network;
    expect(sent).toEqual([
      "commit dakar",
      ...READS,
      "prepare thies",
      "commit dakar",
      "decide COMMITTED thies",
    ]);
    expect(context.reads.lastLevels("dakar")).toEqual(new Map());
  });

  test("a guess is of what is ordered, whatever others take while the catalog answers", async () => {
    const cities = new ModelCities(CLIENT, STOCK);
    const context = contextOver(cities);
    context.reads.noteLevels("dakar", new Map([["101", 2]]));
    const answer = place([{ productId: "101", quantity: 2 }], context);
    context.reads.noteLevels("dakar", new Map([["101", 0]]));
    expect((await answer).__typename).toBe("OrderPlaced");
    expect(cities.network.sent).toEqual(["commit dakar"]);
  });

  test("a guess does not hide that the key was used, that the client is unknown, or what is off sale", async () => {
    const cities = new ModelCities(CLIENT, STOCK);
    const context = contextOver(cities);
    const line = { productId: "101", quantity: 1 };
    const first = await place([line], context);
    context.reads.noteLevels(
      "dakar",
      new Map([
        ["101", 9],
        ["old", 9],
      ]),
    );
    expect(await place([line], context)).toEqual(first);
    expect((await place([{ productId: "101", quantity: 2 }], context)).__typename).toBe(
      "IdempotencyKeyReused",
    );
    expect((await place([{ productId: "old", quantity: 1 }], context)).__typename).toBe(
      "IdempotencyKeyReused",
    );
    const other = await place([{ productId: "old", quantity: 1 }], context, { idempotencyKey: null });
    expect(other.__typename).toBe("DiscontinuedProducts");
  });
});
