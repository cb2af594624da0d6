/**
 * The service's requests, checked against the schemas of their receivers, and the answers that it accepts.
 */

import { buildSubgraphSchema } from "@apollo/subgraph";
import { type Send, TransportError } from "@teranga/kit/http/transport.ts";
import { Instances } from "@teranga/kit/instances/instances.ts";
import { Registry } from "@teranga/kit/process/metrics.ts";
import { partitionsOf } from "@teranga/kit/topology/topology.ts";
import type { CommitMessage, OrderCommit } from "@teranga/protocol/messages.ts";
import { createCityMessages } from "@teranga/protocol/orchestrator/city-messages.ts";
import { readSchema } from "@teranga/schema/read-schema.ts";
import { type GraphQLSchema, graphql, parse } from "graphql";
import { describe, expect, test } from "vitest";
import { TOPOLOGY } from "../test/orders-in-model.ts";
import { createOrderMetrics } from "./metrics.ts";
import { createOrderReads } from "./order/order-reads.ts";

const ID = "dakar:00000000-0000-7000-8000-000000000001";
const cities = partitionsOf(TOPOLOGY, "city");
const line = { productId: "101", quantity: 1 };
const clock = { nowMs: () => 0, random: () => 0 };

const means = (send: Send) => ({
  cities,
  catalogUrls: ["http://catalog"],
  instances: new Instances({ send, clock }),
  clock,
  delay: () => new Promise(() => {}),
  newId: () => "request-1",
  metrics: createOrderMetrics(new Registry()),
});
const messages = (send: Send) => createCityMessages(means(send));
const reads = (send: Send) => createOrderReads(means(send));

/** A service with this schema and these values. It checks documents and variables as a real one does. */
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
  const gets = { cityId: "thies", lines: [line] };
  const keyed = { transactionId: ID, requestHash: "hash" };
  const key = { transactionId: ID, idempotencyKey: "key", requestHash: "hash" };
  const city = service(buildSubgraphSchema(parse(readSchema("city"))), {
    prepare: [{ transactionId: ID, state: "REFUSED", shortages }],
    commitOrders: [{ transactionId: ID, state: "REFUSED", shortages }],
    commitCancellations: [{ transactionId: ID, state: "COMMITTED", committedId: ID, participants: [gets] }],
    commitTransfers: [{ transactionId: ID, state: "COMMITTED", committedId: ID, shortages: [] }],
    decide: [{ transactionId: ID, state: "DONE" }],
    outcome: [{ transactionId: ID, state: "COMMITTED", lines: [] }],
    orderFacts: [{ clientExists: true, keyedOrder: keyed, available: [7] }],
    keyedTransaction: keyed,
  });
  const commit: CommitMessage = {
    kind: "ORDER",
    commit: {
      ...key,
      clientId: "dakar:1",
      lines: [{ ...line, unitPrice: 100 }],
      allocations: [{ ...line, cityId: "dakar" }],
      paymentMethod: "WALLET",
    },
  };

  test("prepare, commit, decide, outcome", async () => {
    const { prepare, commit: send, decide, outcome } = messages(city);
    const refused = { transactionId: ID, state: "REFUSED", shortages };
    const wanted = { transactionId: ID, kind: "ORDER", lines: [line], leaseMs: 10_000 } as const;
    expect(await prepare("thies", wanted, 1)).toEqual(refused);
    expect(await send("dakar", commit, 1)).toEqual(refused);
    const decision = { transactionId: ID, kind: "TRANSFER", decision: "COMMITTED", lines: [line] } as const;
    expect(await decide("thies", decision, 1)).toEqual({ transactionId: ID, state: "DONE" });
    const question = { transactionId: ID, cityId: "thies" };
    expect(await outcome("dakar", question, 1)).toEqual({ transactionId: ID, state: "COMMITTED", lines: [] });
  });

  test("the commits of a cancellation and of a transfer", async () => {
    const cancellation = { kind: "CANCELLATION", commit: { ...key, orderId: ID } } as const;
    expect(await messages(city).commit("dakar", cancellation, 1)).toMatchObject({ participants: [gets] });
    const transfer = { kind: "TRANSFER", commit: { ...key, ...line, fromCityId: "thies" } } as const;
    expect(await messages(city).commit("dakar", transfer, 1)).toMatchObject({ state: "COMMITTED" });
  });

  test.each([
    "COMMITTED",
    "REPLAYED",
    "KEY_REUSED",
    "REFUSED",
    "DECLINED",
    "ABORTED",
    "UNKNOWN_CLIENT",
    "UNKNOWN_ORDER",
    "ALREADY_CANCELLED",
    "VIOLATION",
  ])("a commit that is %s", async (state) => {
    const answer = {
      transactionId: ID,
      state,
      committedId: ID,
      shortages: [],
      balance: 7,
      declined: "REFUSED",
    };
    const home = service(buildSubgraphSchema(parse(readSchema("city"))), { commitOrders: [answer] });
    expect(await messages(home).commit("dakar", commit, 1)).toMatchObject({ state });
  });

  test("the home's facts, with a key and without", async () => {
    const question = { clientId: "dakar:1", productIds: ["101"], idempotencyKey: "key" };
    const facts = { clientExists: true, keyedOrder: keyed, levels: new Map([["101", 7]]) };
    expect(await reads(city).home("dakar", question)).toEqual(facts);
    expect(await reads(city).home("dakar", { ...question, idempotencyKey: null })).toEqual(facts);
  });

  test("the transfer that a key stands for", async () => {
    expect(await reads(city).keyedTransfer("dakar", "key")).toEqual(keyed);
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
  test("takes an answer for another transaction for none", async () => {
    const send: Send = async () => ({ data: { answers: [{ transactionId: "dakar:other", state: "DONE" }] } });
    const message = { transactionId: ID, kind: "ORDER", decision: "ABORTED", lines: [] } as const;
    await expect(messages(send).decide("thies", message, 1)).rejects.toMatchObject({ effect: "unknown" });
  });

  test.each([
    ["says that it has failed", { state: "FAILED" }, "the city could not process the message"],
    ["was replayed, of nothing", { state: "REPLAYED", committedId: null }, "answered something else"],
    ["is no object", null, "answered something else"],
  ])(
    "takes one that %s for none, and the others of the request for what they are",
    async (_, bad, reason) => {
      const order = (n: number) => ({ transactionId: `dakar:${n}` }) as OrderCommit;
      const send: Send = async (_url, { variables }) => {
        const asked = variables!.messages as OrderCommit[];
        const answers = asked.map(({ transactionId }) =>
          transactionId === "dakar:2"
            ? bad && { transactionId, ...bad }
            : { transactionId, state: "COMMITTED", committedId: transactionId },
        );
        return { data: { answers } };
      };
      const { commit } = messages(send);
      const answers = await Promise.allSettled(
        [0, 1, 2, 3].map((n) => commit("dakar", { kind: "ORDER", commit: order(n) }, 1)),
      );
      expect(answers.map(({ status }) => status)).toEqual([
        "fulfilled",
        "fulfilled",
        "rejected",
        "fulfilled",
      ]);
      expect(answers.filter(({ status }) => status === "fulfilled")).toMatchObject(
        [0, 1, 3].map((n) => ({ value: { state: "COMMITTED", committedId: `dakar:${n}` } })),
      );
      expect(answers[2]).toMatchObject({
        reason: { name: "TransportError", effect: "unknown", message: expect.stringContaining(reason) },
      });
    },
  );

  test("sends orders together that fit into a body of 1 MiB, however long they are", async () => {
    const sent: { messages: number; bytes: number }[] = [];
    const send: Send = async (_url, body) => {
      const asked = body.variables!.messages as OrderCommit[];
      sent.push({ messages: asked.length, bytes: Buffer.byteLength(JSON.stringify(body)) });
      const answers = asked.map(({ transactionId }) => ({ transactionId, state: "ABORTED" }));
      return { data: { answers } };
    };
    // 100 lines over four cities. Every character of their ids takes six bytes in JSON.
    const lines = Array.from({ length: 100 }, (_, k) => {
      const productId = `${k}`.padEnd(100, "\u0001");
      return { productId, quantity: 10_000, unitPrice: 1_000_000_000 };
    });
    const allocations = ["dakar", "thies", "saint-louis", "autres"].flatMap((cityId) =>
      lines.map(({ productId }) => ({ productId, quantity: 2_500, cityId })),
    );
    const order = (n: number) =>
      ({ transactionId: `dakar:${n}`, lines, allocations }) as unknown as OrderCommit;
    const { commit } = messages(send);
    await Promise.all(
      Array.from({ length: 9 }, (_, n) => commit("dakar", { kind: "ORDER", commit: order(n) }, 1)),
    );
    expect(sent.map(({ messages }) => messages)).toEqual([2, 2, 2, 2, 1]);
    expect(Math.max(...sent.map(({ bytes }) => bytes))).toBeLessThan(1024 * 1024);
  });

  test("takes levels of other products than were asked for for none, and remembers those that it takes", async () => {
    const answers = [[7], [7, 7], [0]].map((available) => ({
      clientExists: true,
      keyedOrder: null,
      available,
    }));
    const send: Send = async () => ({ data: { answers: [answers.shift()] } });
    const { home, lastLevels } = reads(send);
    const question = { clientId: "dakar:1", idempotencyKey: null, productIds: ["101"] };
    expect((await home("dakar", question)).levels).toEqual(new Map([["101", 7]]));
    expect([lastLevels("dakar"), lastLevels("thies")]).toEqual([new Map([["101", 7]]), new Map()]);
    await expect(home("dakar", question)).rejects.toMatchObject({ effect: "unknown" });
    await home("dakar", question);
    expect(lastLevels("dakar")).toEqual(new Map());
  });

  test("names the request in what it says of a failure", async () => {
    const send: Send = async (_url, _body, options) => {
      throw new TransportError("unknown", JSON.stringify(options?.headers));
    };
    await expect(reads(send).stock("thies", ["101"])).rejects.toThrow(
      'OrderFacts (request request-1): {"x-request-id":"request-1"}',
    );
  });

  test("refuses a message to a city that the topology does not have, unsent", async () => {
    const message = {
      transactionId: ID,
      kind: "CANCELLATION",
      decision: "COMMITTED",
      lines: [line],
    } as const;
    const send: Send = () => expect.unreachable("no city is asked");
    await expect(messages(send).decide("atlantis", message, 1)).rejects.toMatchObject({
      effect: "refused",
    });
  });
});
