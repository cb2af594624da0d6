/** What the service sends, checked against the schemas of those who receive it, and what it takes for an answer. */

import { buildSubgraphSchema } from "@apollo/subgraph";
import { readSchema } from "@teranga/kit/server.ts";
import { partitionsOf } from "@teranga/kit/topology.ts";
import { type Send, TransportError } from "@teranga/kit/transport.ts";
import { type GraphQLSchema, graphql, parse } from "graphql";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { TOPOLOGY } from "../test/orders-in-model.ts";
import { ask } from "./ask.ts";
import { type CommitMessage, createCityMessages } from "./city-messages.ts";
import { createOrderReads } from "./order-reads.ts";

const ID = "dakar:00000000-0000-7000-8000-000000000001";
const cities = partitionsOf(TOPOLOGY, "city");
const line = { productId: "101", quantity: 1 };

const messages = (send: Send) => createCityMessages(cities, send);
const reads = (send: Send) => createOrderReads(cities, ["http://catalog"], send);

/** A service of this schema that has these values. It checks documents and variables as a real one does. */
function service(schema: GraphQLSchema, rootValue: object): Send {
  return async (_url, { query, operationName, variables }) => {
    const { data, errors } = await graphql({
      schema,
      source: query,
      operationName,
      variableValues: variables,
      rootValue,
    });
    expect(errors).toBeUndefined();
    return { data: data as Record<string, unknown> };
  };
}

describe("what is sent fits the schema, and so does what is expected for an answer:", () => {
  const shortages = [{ productId: "101", requested: 2, available: 1 }];
  const level = { product: { id: "101" }, available: 7 };
  const city = service(buildSubgraphSchema(parse(readSchema("city"))), {
    prepare: [{ transactionId: ID, state: "REFUSED", shortages }],
    commitOrders: [{ transactionId: ID, state: "REFUSED", orderId: null, shortages }],
    decide: [{ transactionId: ID, state: "DONE" }],
    outcome: [{ transactionId: ID, state: "COMMITTED", lines: [] }],
    client: { id: "dakar:1" },
    keyedOrder: { orderId: ID, requestHash: "hash" },
    city: { stock: { edges: [{ node: level }] } },
  });
  const commit: CommitMessage = {
    transactionId: ID,
    clientId: "dakar:1",
    idempotencyKey: "key",
    requestHash: "hash",
    lines: [{ ...line, unitPrice: 100 }],
    allocations: [{ ...line, cityId: "dakar" }],
    paymentMethod: "CASH_ON_DELIVERY",
  };

  test("prepare, commit, decide, outcome", async () => {
    const { prepare, commit: send, decide, outcome } = messages(city);
    const refused = { transactionId: ID, state: "REFUSED", shortages };
    const deadline = "2026-01-01T00:00:00.000Z";
    expect(await prepare("thies", { transactionId: ID, lines: [line], deadline }, 1)).toEqual(refused);
    expect(await send("dakar", commit, 1)).toEqual(refused);
    const decision = { transactionId: ID, decision: "COMMITTED", lines: [line] } as const;
    expect(await decide("thies", decision, 1)).toEqual({ transactionId: ID, state: "DONE" });
    const question = { transactionId: ID, cityId: "thies" };
    expect(await outcome("dakar", question, 1)).toEqual({ transactionId: ID, state: "COMMITTED" });
  });

  test.each(["COMMITTED", "REPLAYED", "KEY_REUSED", "REFUSED", "ABORTED", "UNKNOWN_CLIENT", "VIOLATION"])(
    "a commit that is %s",
    async (state) => {
      const answer = { transactionId: ID, state, orderId: ID, shortages: [] };
      const home = service(buildSubgraphSchema(parse(readSchema("city"))), { commitOrders: [answer] });
      expect(await messages(home).commit("dakar", commit, 1)).toMatchObject({ state });
    },
  );

  test("the home's facts, with a key and without", async () => {
    const question = { clientId: "dakar:1", productIds: ["101"] };
    const facts = { clientExists: true, keyedOrder: null, levels: new Map([["101", 7]]) };
    expect(await reads(city).home("dakar", { ...question, idempotencyKey: null })).toEqual(facts);
    expect(await reads(city).home("dakar", { ...question, idempotencyKey: "key" })).toEqual({
      ...facts,
      keyedOrder: { orderId: ID, requestHash: "hash" },
    });
  });

  test("a city's stock", async () => {
    expect(await reads(city).stock("thies", ["101"])).toEqual(new Map([["101", 7]]));
  });

  test("the catalog's products", async () => {
    const product = { id: "101", price: 100, discontinued: false };
    const resolvers = {
      Product: { __resolveReference: ({ id }: { id: string }) => (id === "101" ? product : null) },
    };
    const catalog = service(buildSubgraphSchema([{ typeDefs: parse(readSchema("catalog")), resolvers }]), {});
    expect(await reads(catalog).products(["101", "999"])).toEqual(new Map([["101", product]]));
  });
});

describe("asking", () => {
  const question = {
    query: "{ a }",
    operationName: "A",
    answer: z.object({ a: z.int() }),
    deadlineMs: 1_000,
  };
  const urls = ["http://one", "http://two"];
  const refused = new TransportError("refused", "refused");
  const unknown = new TransportError("unknown", "unknown");

  /** Instances that answer or fail as told, one after the other. */
  const script = (...answers: (TransportError | Awaited<ReturnType<Send>>)[]) => {
    const asked: unknown[] = [];
    const send: Send = async (url, _body, options) => {
      asked.push([url, options?.deadlineMs]);
      const answer = answers.shift()!;
      if (answer instanceof Error) throw answer;
      return answer;
    };
    return { asked, send };
  };

  test("takes the first answer, and shares the time between the instances", async () => {
    const { asked, send } = script(unknown, { data: { a: 1 } });
    expect(await ask(send, urls, question)).toEqual({ a: 1 });
    expect(asked).toEqual([
      ["http://one", 500],
      ["http://two", 500],
    ]);
  });

  test.each([
    ["all have refused", [refused, refused], "refused"],
    ["one may have acted", [unknown, refused], "unknown"],
    ["one has answered with an error", [refused, { data: null, errors: [{ message: "x" }] }], "unknown"],
    ["one has answered something else", [refused, { data: { a: "?" } }], "unknown"],
  ] as const)("fails when %s", async (_, answers, effect) => {
    await expect(ask(script(...answers).send, urls, question)).rejects.toMatchObject({
      name: "TransportError",
      effect,
    });
  });

  test("takes an answer for another transaction for none", async () => {
    const send: Send = async () => ({ data: { answers: [{ transactionId: "dakar:other", state: "DONE" }] } });
    const decision = messages(send).decide("thies", { transactionId: ID, decision: "ABORTED", lines: [] }, 1);
    await expect(decision).rejects.toMatchObject({ effect: "unknown" });
  });

  test("takes a commit that was replayed without an order for no answer", async () => {
    const send: Send = async () => ({
      data: { answers: [{ transactionId: ID, state: "REPLAYED", orderId: null, shortages: [] }] },
    });
    await expect(messages(send).commit("dakar", {} as never, 1)).rejects.toMatchObject({ effect: "unknown" });
  });
});
