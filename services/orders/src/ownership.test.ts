/**
 * Goal: a cancellation goes no further if the order can be none of the caller's. Method: the guard's own
 * question, for orders of two cities.
 */
import type { Identity } from "@teranga/kit/identity/identity.ts";
import { isMet, type Requirement } from "@teranga/kit/identity/requirement.ts";
import { partitionsOf } from "@teranga/kit/topology/topology.ts";
import { expect, test } from "vitest";
import { TOPOLOGY } from "../test/orders-in-model.ts";
import { cancelHash, parseCancelInput } from "./cancellation/cancel-request.ts";
import type { OrdersContext } from "./context.ts";
import { ownership } from "./ownership.ts";

const asked: Requirement = { directive: "policy", anyOf: [["own client"], ["own city"]] };
const client: Identity = { role: "client", clientId: "thies:2" };
const operator: Identity = { role: "city-operator", subject: "fatou", cityId: "thies" };

test.each([
  [client, "thies:1", true],
  [client, "dakar:1", false],
  [client, "nowhere", false],
  [operator, "thies:1", true],
  [operator, "dakar:1", false],
  [{ role: "company-operator", subject: "awa" } satisfies Identity, "dakar:1", true],
])("%o asks to cancel %s: %s", (identity, orderId, may) => {
  const call = ownership.calls["Mutation.cancelOrder"];
  if (typeof call !== "object") throw new Error("it is asked by its arguments");
  const context = { identity, cities: partitionsOf(TOPOLOGY, "city") } as OrdersContext;
  expect(isMet(asked, identity, call.row({ input: { orderId } }, context))).toBe(may);
});

test("two callers who cancel one order under one key do not share an answer that is under way", () => {
  const cities = partitionsOf(TOPOLOGY, "city");
  const neighbour: Identity = { role: "client", clientId: "thies:3" };
  const hashes = [client, neighbour, operator].map((identity) =>
    cancelHash(parseCancelInput({ orderId: "thies:1", idempotencyKey: "k" }, { identity, cities })),
  );
  expect(new Set(hashes).size).toBe(3);
});
