/**
 * The answers and messages of transferStock, case by case, against model cities. faults.test.ts tests faults.
 */

import { createDecisionDelivery } from "@teranga/protocol/orchestrator/decision-delivery.ts";
import { describe, expect, test } from "vitest";
import type { FaultScript } from "../../test/faulty-network.ts";
import { ModelCities } from "../../test/model-cities.ts";
import {
  CLIENT,
  contextOver,
  KEY,
  OTHER_SCENARIOS,
  run,
  STOCK,
  transfer,
} from "../../test/orders-in-model.ts";

const calm: FaultScript = () => undefined;
const some = OTHER_SCENARIOS["transferring some"];
const LOOK_UP = "read dakar";

describe("pieces", () => {
  test("are set aside where they are, arrive at the commit point, and leave after it", async () => {
    const { answer, sent } = await run(some, calm);
    expect(answer).toEqual({
      __typename: "StockTransferred",
      transaction: { id: expect.stringMatching(/^dakar:/) },
      product: { id: "101" },
      from: { id: "thies" },
      to: { id: "dakar" },
      quantity: 3,
    });
    expect(sent).toEqual([LOOK_UP, "prepare thies", "commit dakar", "decide COMMITTED thies"]);
  });

  test("move in both cities", async () => {
    const cities = new ModelCities(CLIENT, STOCK);
    const context = contextOver(cities);
    await transfer({ quantity: 3 }, context);
    const levels = (city: string) => context.reads.stock(city, ["101"]);
    expect([(await levels("thies")).get("101"), (await levels("dakar")).get("101")]).toEqual([2, 5]);
    expect(cities.breaches()).toEqual([]);
  });

  test("arrive where there were none of the product", async () => {
    const cities = new ModelCities(CLIENT, { ...STOCK, dakar: {} });
    expect((await transfer({ quantity: 5 }, contextOver(cities))).__typename).toBe("StockTransferred");
    expect(cities.breaches()).toEqual([]);
  });

  test("move once under a key; another request under it is refused; without a key each call moves them", async () => {
    const cities = new ModelCities(CLIENT, STOCK);
    const context = contextOver(cities);
    const first = await transfer({}, context);
    const before = cities.network.sent.length;
    expect(await transfer({}, context)).toEqual(first);
    expect(cities.network.sent.slice(before)).toEqual([LOOK_UP]);
    expect(await transfer({ quantity: 2 }, context)).toMatchObject({
      __typename: "IdempotencyKeyReused",
      transaction: first.transaction,
      order: null,
    });
    const unkeyed = [
      await transfer({ idempotencyKey: null }, context),
      await transfer({ idempotencyKey: null }, context),
    ];
    expect(unkeyed.map(({ __typename }) => __typename)).toEqual(["StockTransferred", "StockTransferred"]);
    expect(unkeyed[0]!.transaction).not.toEqual(unkeyed[1]!.transaction);
  });

  test("that another try with the key has moved are not said to be short", async () => {
    const cities = new ModelCities(CLIENT, STOCK);
    const [context, other] = [contextOver(cities), contextOver(cities, 1)];
    let first: Promise<unknown> | undefined;
    const reads = {
      ...context.reads,
      // The look-up comes before the other try commits, the prepare comes after.
      products: async (ids: readonly string[]) => {
        first ??= transfer({ quantity: 5 }, other);
        await first;
        return context.reads.products(ids);
      },
    };
    const second = await transfer({ quantity: 5 }, { ...context, reads });
    expect(second).toEqual(await first);
    expect(second.__typename).toBe("StockTransferred");
  });
});

describe("the answer", () => {
  test("is OutOfStock, with what the giving city has, if it has too little; nothing else is tried", async () => {
    const { answer, sent } = await run(OTHER_SCENARIOS["transferring more than there is"], calm);
    expect(answer).toMatchObject({
      __typename: "OutOfStock",
      shortages: [{ product: { id: "101" }, requested: 6, available: 5 }],
      missingCities: [],
    });
    expect(sent).toEqual([LOOK_UP, "prepare thies", LOOK_UP]);
  });

  test("is NoRoom if the receiving city is full; the giving one is told to release, and nothing else is tried", async () => {
    const cities = new ModelCities(CLIENT, STOCK);
    const context = contextOver(cities);
    const { prepare, decide, outcome } = context.messages;
    const sent: string[] = [];
    const messages: typeof context.messages = {
      prepare,
      outcome,
      commit: async (_, { commit: { transactionId } }) => {
        sent.push("commit");
        return { transactionId, state: "FULL", room: 2 };
      },
      decide: (cityId, message, deadlineMs) => {
        sent.push(`${message.decision} ${cityId}`);
        return decide(cityId, message, deadlineMs);
      },
    };
    const delivery = createDecisionDelivery(messages, context.log);
    expect(await transfer({ quantity: 3 }, { ...context, messages, delivery })).toEqual({
      __typename: "NoRoom",
      message: "The receiving city has no room for so many pieces. Nothing was changed.",
      city: { id: "dakar" },
      product: { id: "101" },
      room: 2,
    });
    await delivery.drain();
    expect(sent).toEqual(["commit", "ABORTED thies"]);
  });

  test("is UnknownProduct if the catalog does not have it, after reads alone", async () => {
    const cities = new ModelCities(CLIENT, STOCK);
    expect(await transfer({ productId: "999" }, contextOver(cities))).toMatchObject({
      __typename: "UnknownProduct",
      productId: "999",
    });
    expect(cities.network.sent).toEqual([LOOK_UP]);
  });

  test.each([
    ["the same city", { fromCityId: "dakar" }, "BAD_USER_INPUT"],
    ["no pieces", { quantity: 0 }, "BAD_USER_INPUT"],
    ["fewer than none", { quantity: -1 }, "BAD_USER_INPUT"],
    ["more than a million", { quantity: 1_000_001 }, "BAD_USER_INPUT"],
    ["an empty product", { productId: "" }, "BAD_USER_INPUT"],
    ["an empty key", { idempotencyKey: "" }, "BAD_USER_INPUT"],
    ["a city that gives and is none", { fromCityId: "atlantis" }, "UNKNOWN_CITY"],
    ["a city that receives and is none", { toCityId: "atlantis" }, "UNKNOWN_CITY"],
    ["a city by its name, not its id", { fromCityId: "Thiès" }, "UNKNOWN_CITY"],
    ["a city by a town, which would be the default city's", { toCityId: "Ziguinchor" }, "UNKNOWN_CITY"],
    ["a city by the id of something in it", { toCityId: "dakar:1" }, "UNKNOWN_CITY"],
  ])("to a transfer of %s is an error, and nothing is sent", async (_, changes, code) => {
    const cities = new ModelCities(CLIENT, STOCK);
    expect((await transfer(changes, contextOver(cities))).__typename).toBe(code);
    expect(cities.network.sent).toEqual([]);
  });

  test.each([
    ["the receiving city before the first step", /^read dakar/, "dakar"],
    ["the giving city", /^prepare/, "thies"],
    ["the receiving city at the commit", /^(commit|outcome)/, "dakar"],
  ])(
    "is CITY_UNAVAILABLE if %s cannot be reached, and nothing stays set aside",
    async (_, messages, city) => {
      const { answer } = await run(some, (__, message) => (messages.test(message) ? "refuse" : undefined));
      expect(answer).toEqual({ __typename: "CITY_UNAVAILABLE", city });
    },
  );

  test("is CITY_UNAVAILABLE if the giving city says nothing; it is told to release what it may hold", async () => {
    const { answer, sent } = await run(some, (_, message) =>
      /^prepare/.test(message) ? "lose-answer" : undefined,
    );
    expect(answer).toEqual({ __typename: "CITY_UNAVAILABLE", city: "thies" });
    expect(sent).toEqual([LOOK_UP, "prepare thies", "decide ABORTED thies", LOOK_UP]);
  });

  test("is OUTCOME_UNKNOWN if it hangs on the last look at the key, and that fails", async () => {
    let looks = 0;
    const { answer } = await run(some, (_, message) => {
      if (message === LOOK_UP) return looks++ === 0 ? undefined : "refuse";
      return /^prepare/.test(message) ? "steal" : undefined;
    });
    expect(answer).toEqual({ __typename: "OUTCOME_UNKNOWN", city: "dakar" });
  });

  test("is OutcomeUnknown, with the key, if the receiving city may have committed and says nothing", async () => {
    const { answer, sent } = await run(some, (_, message) =>
      /^(commit|outcome)/.test(message) ? "lose-answer" : undefined,
    );
    expect(answer).toMatchObject({ __typename: "OutcomeUnknown", idempotencyKey: KEY });
    expect(sent.filter((message) => message.startsWith("decide"))).toEqual([]);
  });

  test("if every commit is fenced is CITY_UNAVAILABLE, after three transactions", async () => {
    const { answer, sent } = await run(some, (_, message) => (/^commit/.test(message) ? "late" : undefined));
    expect(answer).toEqual({ __typename: "CITY_UNAVAILABLE", city: "dakar" });
    expect(sent.filter((message) => message === "prepare thies")).toHaveLength(3);
    expect(sent.filter((message) => message === "decide ABORTED thies")).toHaveLength(3);
  });
});
