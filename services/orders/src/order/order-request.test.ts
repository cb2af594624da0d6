import { createHash } from "node:crypto";
import { partitionsOf } from "@teranga/kit/topology/topology.ts";
import { describe, expect, test } from "vitest";
import { TOPOLOGY } from "../../test/orders-in-model.ts";
import { parsePlaceInput, requestHash } from "./order-request.ts";

const { partitionOf } = partitionsOf(TOPOLOGY, "city");
const line = (productId: string, quantity: number) => ({ productId, quantity });
const parse = (changes: object) =>
  parsePlaceInput(
    { clientId: "dakar:1", lines: [line("101", 1)], payment: "CASH_ON_DELIVERY", ...changes },
    partitionOf,
  );

describe("an order", () => {
  test("has its lines added up by product, in the order of products, and its client's city as home", () => {
    const lines = [line("102", 1), line("101", 2), line("102", 3)];
    expect(parse({ clientId: "saint-louis:9", lines })).toEqual({
      clientId: "saint-louis:9",
      homeId: "saint-louis",
      lines: [line("101", 2), line("102", 4)],
      payment: "CASH_ON_DELIVERY",
      idempotencyKey: null,
      expectedTotal: null,
      maxSplits: null,
    });
  });

  test("may have 100 lines, 10,000 pieces, a key of 100 characters", () => {
    const lines = Array.from({ length: 100 }, (_, index) => line(`${index}`, 10_000));
    expect(parse({ lines, idempotencyKey: "k".repeat(100) }).lines).toHaveLength(100);
  });

  test.each([
    ["no lines", { lines: [] }, "input.lines"],
    ["101 lines", { lines: Array.from({ length: 101 }, () => line("101", 1)) }, "input.lines"],
    ["zero pieces", { lines: [line("101", 1), line("102", 0)] }, "input.lines.1.quantity"],
    ["negative pieces", { lines: [line("101", -1)] }, "input.lines.0.quantity"],
    ["10,001 pieces", { lines: [line("101", 10_001)] }, "input.lines.0.quantity"],
    [
      "10,001 pieces in two lines",
      { lines: [line("101", 10_000), line("101", 1)] },
      "input.lines.1.quantity",
    ],
    ["an empty product id", { lines: [line("", 1)] }, "input.lines.0.productId"],
    ["an endless product id", { lines: [line("x".repeat(1_000_000), 1)] }, "input.lines.0.productId"],
    ["a NUL in a product id", { lines: [line("1\0", 1)] }, "input.lines.0.productId"],
    ["a client id that is a town", { clientId: "Dakar" }, "input.clientId"],
    ["an endless client id", { clientId: `dakar:${"1".repeat(1_000)}` }, "input.clientId"],
    ["an empty key", { idempotencyKey: "" }, "input.idempotencyKey"],
    ["a key of 101 characters", { idempotencyKey: "k".repeat(101) }, "input.idempotencyKey"],
    ["a NUL in a key", { idempotencyKey: "a\0" }, "input.idempotencyKey"],
    ["a negative expected total", { expectedTotal: -1 }, "input.expectedTotal"],
    ["no city at all", { maxSplits: 0 }, "input.maxSplits"],
    ["101 cities", { maxSplits: 101 }, "input.maxSplits"],
    ["half a surrogate pair in a key", { idempotencyKey: "\ud83d" }, "input.idempotencyKey"],
  ])("with %s is refused, and %s names it", (_, changes, field) => {
    expect(() => parse(changes)).toThrow(
      expect.objectContaining({ extensions: { code: "BAD_USER_INPUT", field } }),
    );
  });

  test("of a client of no city is refused", () => {
    expect(() => parse({ clientId: "atlantis:1" })).toThrow(
      expect.objectContaining({ extensions: { code: "UNKNOWN_CITY", city: "atlantis" } }),
    );
  });
});

describe("the hash of a request", () => {
  const hash = (changes: object) => requestHash(parse(changes));

  test("does not depend on the order and splitting of lines, nor on the key", () => {
    const whole = { lines: [line("101", 3), line("102", 1)] };
    const split = { lines: [line("102", 1), line("101", 1), line("101", 2)], idempotencyKey: "key" };
    expect(hash(split)).toBe(hash(whole));
  });

  test("differs with all that makes another order of it", () => {
    const others = [
      {},
      { clientId: "dakar:2" },
      { lines: [line("102", 1)] },
      { lines: [line("101", 2)] },
      { payment: "WALLET" },
      { expectedTotal: 2 },
      { maxSplits: 2 },
      { expectedTotal: 2, maxSplits: 2 },
    ];
    expect(new Set(others.map(hash)).size).toBe(others.length);
  });

  test("of an order without wishes is what it was before there were any: the keys of recorded orders stay good", () => {
    const recorded = createHash("sha256").update('["dakar:1",[["101",1]],"CASH_ON_DELIVERY"]').digest("hex");
    expect(hash({})).toBe(recorded);
    expect(hash({ expectedTotal: null, maxSplits: null })).toBe(recorded);
  });
});
