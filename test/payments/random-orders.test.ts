/**
 * Goal: the money adds up after any mixture of faults. Method: many random orders, paid by an outside
 * provider while answers are lost and late, processes end and the provider is away.
 */

import { setTimeout as delay } from "node:timers/promises";
import type { OrderCommit } from "@teranga/protocol/messages.ts";
import { expect, test } from "vitest";
import { createRandom } from "../harness/random.ts";
import { CLIENTS, useShop } from "./shop.ts";

const shop = useShop("payments_at_random");

/** How late a message may reach the company; others overtake it meanwhile. */
const LATE_MS = 100;
const SEEDS = [1, 2, 3];
const ORDERS = 60;

test.each(SEEDS)("orders, copies, cancellations and crashes at random (seed %i)", async (seed) => {
  const random = createRandom(seed);
  const isOneIn = (count: number) => random.next() < 1 / count;
  shop.company.break({
    losesAnswer: () => isOneIn(5),
    wait: async () => isOneIn(15) && delay(LATE_MS),
  });
  const late: Promise<unknown>[] = [];
  /** Gives up on some messages after they were sent, as at a deadline. They still arrive. */
  const impatient = <Answer>(tell: () => Promise<Answer>): Promise<Answer> => {
    const told = isOneIn(15) ? delay(LATE_MS).then(tell) : undefined;
    if (!told) return tell();
    late.push(told.catch(() => "its answer was lost, or the company was away"));
    return Promise.reject(new Error("no answer in time"));
  };
  shop.restart(undefined, (provider) => ({
    method: provider.method,
    authorise: (request) => impatient(() => provider.authorise(request)),
    capture: (id) => impatient(() => provider.capture(id)),
    void: (id) => impatient(() => provider.void(id)),
    refund: (id) => impatient(() => provider.refund(id)),
  }));
  const answers: string[] = [];
  const placed: OrderCommit[] = [];
  for (let round = 0; round < ORDERS / 6; round++) {
    const batches = Array.from({ length: 3 }, () =>
      Array.from({ length: 2 }, () => shop.newOrder({ clientId: random.pick(CLIENTS) })),
    );
    const copies = batches.filter(() => isOneIn(3));
    // The process of a batch may end after the providers were asked.
    const lost = batches.filter(() => isOneIn(6));
    const sent = [...batches, ...copies].map(async (orders) => {
      if (lost.includes(orders)) return shop.payments.authorise(orders);
      const states = await shop.commit(...orders);
      answers.push(...states);
      placed.push(...orders.filter((_, index) => states[index] === "COMMITTED"));
    });
    const cancelled = placed.filter(() => isOneIn(6)).map((order) => shop.cancel(order));
    await Promise.all([...sent, ...cancelled, shop.settle()]);
    shop.nowMs += random.between(0, 5_000);
    if (isOneIn(4)) {
      await shop.company.stop();
      await shop.settle();
      await shop.company.start();
    }
  }
  await Promise.all(late);
  // The run must have met both answers.
  expect(new Set(answers)).toContain("COMMITTED");
  expect(new Set(answers)).toContain("DECLINED");
});
