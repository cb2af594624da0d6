/** Which messages share a request on the way to a city, and which never do. */

import type { Send } from "@teranga/kit/http/transport.ts";
import { Instances } from "@teranga/kit/instances/instances.ts";
import { Registry } from "@teranga/kit/process/metrics.ts";
import { partitionsOf } from "@teranga/kit/topology/topology.ts";
import type { OrderCommit } from "@teranga/protocol/messages.ts";
import { createCityMessages } from "@teranga/protocol/orchestrator/city-messages.ts";
import { expect, test } from "vitest";
import { TOPOLOGY } from "../test/orders-in-model.ts";
import { createOrderMetrics } from "./metrics.ts";

const clock = { nowMs: () => 0, random: () => 0 };

test("an order that waits for a provider outside travels in a request of its own", async () => {
  const sent: string[][] = [];
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
  const send: Send = async (_url, { variables }) => {
    const orders = (variables as { messages: OrderCommit[] }).messages;
    const methods: string[] = orders.map(({ paymentMethod }) => paymentMethod);
    sent.push(methods);
    if (methods.includes("MOBILE_MONEY")) await answered;
    const answers = orders.map(({ transactionId }) => ({ transactionId, state: "ABORTED" }));
    return { data: { answers } };
  };
  const { commit } = createCityMessages({
    cities: partitionsOf(TOPOLOGY, "city"),
    catalogUrls: [],
    instances: new Instances({ send, clock }),
    clock,
    delay: () => new Promise(() => {}),
    newId: () => "request-1",
    metrics: createOrderMetrics(new Registry()),
  } as Parameters<typeof createCityMessages>[0]);
  const place = (paymentMethod: string) => {
    const order = { transactionId: `dakar:${paymentMethod}`, paymentMethod, lines: [], allocations: [] };
    return commit("dakar", { kind: "ORDER", commit: order as unknown as OrderCommit }, 1);
  };
  const [wallet, outside, cash] = [place("WALLET"), place("MOBILE_MONEY"), place("CASH_ON_DELIVERY")];
  expect(await Promise.all([wallet, cash])).toHaveLength(2);
  expect(sent).toEqual([["WALLET", "CASH_ON_DELIVERY"], ["MOBILE_MONEY"]]);
  answer();
  expect(await outside).toMatchObject({ state: "ABORTED" });
});
