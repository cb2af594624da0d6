/** The answers and messages of placeOrder, case by case, against model cities. */

import { createDecisionDelivery } from "@teranga/protocol/orchestrator/decision-delivery.ts";
import { describe, expect, test } from "vitest";
import type { Fault, FaultScript } from "../../test/faulty-network.ts";
import { ModelCities } from "../../test/model-cities.ts";
import { CLIENT, contextOver, KEY, place, run, SCENARIOS, STOCK } from "../../test/orders-in-model.ts";
import type { OrdersContext } from "../context.ts";

const READS = ["read dakar", "read thies", "read saint-louis", "read autres"];
const calm: FaultScript = () => undefined;
describe("with no faults", () => {
  test("an order that home can fill is one commit", async () => {
    const { answer, sent } = await run(SCENARIOS["all at home"], calm);
    expect(answer.__typename).toBe("OrderPlaced");
    expect(sent).toEqual([...READS, "commit dakar"]);
  });

  test("another one is prepared elsewhere, committed at home, confirmed after; home is never prepared", async () => {
    const { answer, sent } = await run(SCENARIOS["home and three participants"], calm);
    expect(answer.__typename).toBe("OrderPlaced");
    const others = ["thies", "saint-louis", "autres"];
    expect(sent).toEqual([
      ...READS,
      ...others.map((city) => `prepare ${city}`),
      "commit dakar",
      ...others.map((city) => `decide COMMITTED ${city}`),
    ]);
  });

  test("too little is said at once, with what there is", async () => {
    const { answer, sent } = await run(SCENARIOS["more than there is"], calm);
    expect(answer).toMatchObject({
      __typename: "OutOfStock",
      shortages: [{ product: { id: "101" }, requested: 18, available: 17 }],
      missingCities: [],
    });
    expect(sent).toEqual([...READS, "read dakar"]);
  });

  test("a replay is answered by the home's look-up alone; another request under the key is refused", async () => {
    const cities = new ModelCities(CLIENT, STOCK);
    const context = contextOver(cities);
    const lines = SCENARIOS["home and one participant"].lines;
    const first = await place(lines, context);
    const before = cities.network.sent.length;
    expect(await place(lines, context)).toEqual(first);
    expect(await place([{ productId: "101", quantity: 1 }], context)).toMatchObject({
      __typename: "IdempotencyKeyReused",
      order: first.order,
    });
    expect(cities.network.sent.slice(before)).toEqual([...READS, ...READS]);
    cities.recover();
    expect(cities.breaches()).toEqual([]);
  });

  test("each call without a key is an order of its own", async () => {
    const cities = new ModelCities(CLIENT, STOCK);
    const context = contextOver(cities);
    const [a, b] = [
      await place([{ productId: "101", quantity: 1 }], context, { idempotencyKey: null }),
      await place([{ productId: "101", quantity: 1 }], context, { idempotencyKey: null }),
    ];
    expect([a.__typename, b.__typename]).toEqual(["OrderPlaced", "OrderPlaced"]);
    expect(a.order?.id).not.toBe(b.order?.id);
  });

  test("two instances with one key at once are one order, and what the loser held is free again", async () => {
    const cities = new ModelCities(CLIENT, STOCK);
    const { lines } = SCENARIOS["home and one participant"];
    const [a, b] = await Promise.all([
      place(lines, contextOver(cities)),
      place(lines, contextOver(cities, 1)),
    ]);
    expect(a.__typename).toBe("OrderPlaced");
    expect(b).toEqual(a);
    expect(cities.network.sent.filter((message) => message === "decide ABORTED thies")).toHaveLength(1);
    cities.recover();
    expect(cities.breaches()).toEqual([]);
  });

  test("two calls at once with one key share an answer, also if the stock is enough for one only", async () => {
    const cities = new ModelCities(CLIENT, STOCK);
    const context = contextOver(cities);
    const lines = [{ productId: "101", quantity: 17 }];
    const [a, b] = await Promise.all([place(lines, context), place(lines, context)]);
    expect([a.__typename, b]).toEqual(["OrderPlaced", a]);
    expect(cities.network.sent.filter((message) => message === "read thies")).toHaveLength(1);
    expect(await place(lines, context)).toEqual(a);
    expect(cities.network.sent.filter((message) => message === "read thies")).toHaveLength(2);
  });

  test("OutOfStock is not said of an order that another instance has placed under the key", async () => {
    const cities = new ModelCities(CLIENT, STOCK);
    const context = contextOver(cities);
    const lines = [{ productId: "101", quantity: 17 }];
    let first: Promise<unknown> | undefined;
    // The second call looks up the key before the first call commits, and reads the rest afterwards.
    const reads = {
      ...context.reads,
      stock: async (city: string, ids: readonly string[]) => {
        first ??= place(lines, contextOver(cities, 1));
        await first;
        return context.reads.stock(city, ids);
      },
    };
    const second = await place(lines, { ...context, reads });
    expect(second).toEqual(await first);
    expect(second.__typename).toBe("OrderPlaced");
  });

  test.each([
    ["as any read, if there is time", 0, 1_500],
    ["as there is left", 3_000, 1_000],
    ["a little, when the time is over", 9_000, 500],
  ])("the last look at the key may take as long %s", async (_, lateMs, deadlineMs) => {
    const cities = new ModelCities(CLIENT, STOCK);
    const context = contextOver(cities);
    const deadlines: (number | undefined)[] = [];
    let nowMs = 0;
    const home: typeof context.reads.home = (city, question, deadline) => {
      deadlines.push(deadline);
      return context.reads.home(city, question, deadline);
    };
    const stock: typeof context.reads.stock = (...question) => {
      nowMs = lateMs;
      return context.reads.stock(...question);
    };
    const clock = { ...context.clock, nowMs: () => nowMs };
    const lines = [{ productId: "101", quantity: 18 }];
    await place(lines, { ...context, clock, reads: { ...context.reads, home, stock } });
    expect(deadlines).toEqual([undefined, deadlineMs]);
  });

  test("what an aborted transaction held is free before the stock is read again", async () => {
    const cities = new ModelCities(CLIENT, STOCK);
    const context = contextOver(cities);
    cities.network.script = (number) => (number === READS.length ? "lose" : undefined);
    const slow: typeof context.messages.decide = async (...message) => {
      for (let tick = 0; tick < 50; tick++) await Promise.resolve();
      return context.messages.decide(...message);
    };
    const messages = { ...context.messages, decide: slow };
    const delivery = createDecisionDelivery(messages, context.log);
    // The wait for the release has a limit of its own, which never comes in this test.
    const delay = () => new Promise(() => {});
    const lines = [{ productId: "101", quantity: 17 }];
    const answer = await place(lines, { ...context, messages, delivery, delay });
    expect(answer.__typename).toBe("OrderPlaced");
  });

  test("unknown and discontinued products and unknown clients send nothing but reads", async () => {
    const cities = new ModelCities("dakar:2", STOCK);
    const context = contextOver(cities);
    expect(await place([{ productId: "101", quantity: 1 }], context)).toMatchObject({
      __typename: "UnknownClient",
    });
    const known = new ModelCities(CLIENT, STOCK);
    const [unknown, old] = [
      await place([{ productId: "999", quantity: 1 }], contextOver(known)),
      await place([{ productId: "old", quantity: 1 }], contextOver(known)),
    ];
    expect(unknown).toMatchObject({ __typename: "UnknownProducts", productIds: ["999"] });
    expect(old).toMatchObject({ __typename: "DiscontinuedProducts", products: [{ id: "old" }] });
    // The home was seen before to have enough of the product that is off sale.
    expect([...cities.network.sent, ...known.network.sent]).toEqual([...READS, ...READS, "read dakar"]);
  });
});

describe("the answer", () => {
  const scenario = SCENARIOS["home and one participant"];
  const onCommit =
    (fault: Fault, times = Number.POSITIVE_INFINITY): FaultScript =>
    (_, message) =>
      message === "commit dakar" && times-- > 0 ? fault : undefined;
  const dakar =
    (fault: Fault): FaultScript =>
    (_, message) =>
      /^(commit|outcome) dakar/.test(message) ? fault : undefined;

  test("a commit whose answer is lost is sent again under the same id, and placed", async () => {
    const { answer, sent } = await run(scenario, onCommit("lose-answer", 1));
    expect(answer.__typename).toBe("OrderPlaced");
    expect(sent.slice(READS.length)).toEqual([
      "prepare thies",
      "commit dakar",
      "commit dakar",
      "decide COMMITTED thies",
    ]);
  });

  test("if no commit is answered, the outcome is: placed", async () => {
    const { answer, sent } = await run(scenario, onCommit("lose-answer"));
    expect(answer.__typename).toBe("OrderPlaced");
    const commits = ["commit dakar", "commit dakar", "commit dakar"];
    expect(sent.slice(READS.length)).toEqual([
      "prepare thies",
      ...commits,
      "outcome dakar",
      "decide COMMITTED thies",
    ]);
  });

  test("or fenced: then ABORT is safe, and another transaction places it", async () => {
    const { answer, sent } = await run(scenario, onCommit("late", 3));
    expect(answer.__typename).toBe("OrderPlaced");
    const commits = ["commit dakar", "commit dakar", "commit dakar"];
    const fenced = ["prepare thies", ...commits, "outcome dakar", "decide ABORTED thies"];
    expect(sent.slice(READS.length)).toEqual([
      ...fenced,
      ...READS,
      "prepare thies",
      "commit dakar",
      "decide COMMITTED thies",
    ]);
  });

  test("is OutcomeUnknown, with the key, if home may have committed and says nothing; no ABORT is sent", async () => {
    const { answer, sent } = await run(scenario, dakar("lose-answer"));
    expect(answer).toMatchObject({ __typename: "OutcomeUnknown", idempotencyKey: KEY });
    expect(sent.filter((message) => message.startsWith("decide"))).toEqual([]);
  });

  test("is CITY_UNAVAILABLE if no commit can have reached the home; what was prepared is released", async () => {
    const { answer, sent } = await run(scenario, dakar("refuse"));
    expect(answer).toEqual({ __typename: "CITY_UNAVAILABLE", city: "dakar" });
    expect(sent.filter((message) => message.startsWith("decide"))).toEqual(["decide ABORTED thies"]);
  });

  test("is OutcomeUnknown also if only the first of the commits may have arrived", async () => {
    let commits = 0;
    const { answer } = await run(scenario, (_, message) => {
      if (message === "outcome dakar") return "refuse";
      if (message !== "commit dakar") return undefined;
      return ++commits === 1 ? "late" : "refuse";
    });
    expect(answer.__typename).toBe("OutcomeUnknown");
  });

  test("does without a city that does not vote if the others have enough", async () => {
    const { answer, sent } = await run(scenario, (_, message) =>
      message === "prepare thies" ? "lose" : undefined,
    );
    expect(answer.__typename).toBe("OrderPlaced");
    expect(sent.filter((message) => message.startsWith("prepare"))).toEqual([
      "prepare thies",
      "prepare saint-louis",
    ]);
    expect(sent).toContain("decide ABORTED thies");
  });

  test("names the cities that could not be asked when there is too little without them", async () => {
    const lines = [{ productId: "101", quantity: 17 }];
    const everything = { ...scenario, call: (context: OrdersContext) => place(lines, context) };
    const { answer } = await run(everything, (_, message) =>
      message.endsWith("thies") ? "refuse" : undefined,
    );
    expect(answer).toMatchObject({
      __typename: "OutOfStock",
      shortages: [{ requested: 17, available: 12 }],
      missingCities: ["thies"],
    });
    const silent = await run(everything, (_, message) => (message === "prepare thies" ? "lose" : undefined));
    expect(silent.answer).toEqual(answer);
    expect(silent.sent.filter((message) => message === "prepare thies")).toHaveLength(3);
  });

  test("is CITY_UNAVAILABLE, after reads alone, if the home is down", async () => {
    const { answer, sent } = await run(scenario, (_, message) =>
      message.endsWith("dakar") ? "refuse" : undefined,
    );
    expect(answer).toEqual({ __typename: "CITY_UNAVAILABLE", city: "dakar" });
    expect(sent).toEqual(READS);
  });

  test("is OUTCOME_UNKNOWN if it hangs on the last look at the key, and that fails", async () => {
    const lines = [{ productId: "101", quantity: 18 }];
    const tooMuch = { ...scenario, call: (context: OrdersContext) => place(lines, context) };
    const { sent } = await run(tooMuch, () => undefined);
    const { answer } = await run(tooMuch, (number) => (number === sent.length - 1 ? "refuse" : undefined));
    expect(answer).toEqual({ __typename: "OUTCOME_UNKNOWN", city: "dakar" });
  });

  test("follows a refusal with a new reading, a new allocation and a new transaction", async () => {
    const { answer, sent } = await run(scenario, (number) => (number === READS.length ? "steal" : undefined));
    expect(answer.__typename).toBe("OrderPlaced");
    const again = ["prepare saint-louis", "commit dakar", "decide COMMITTED saint-louis"];
    expect(sent.slice(READS.length)).toEqual(["prepare thies", ...READS, ...again]);
  });
});
