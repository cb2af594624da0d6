/**
 * Goal: the recovery of a city's service settles decided payments by itself. Method: a service that is
 * started with a provider.
 */
import { TEST_TOPOLOGY } from "@teranga/city/payments/test-city.ts";
import { startCity } from "@teranga/city/service.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import { expect, test } from "vitest";
import { DEADLINE_MS, PRICE, useShop } from "./shop.ts";

const shop = useShop("payments_of_a_service");

test("captures what is placed, and gives back what is cancelled", async () => {
  const service = await startCity({
    cityId: "dakar",
    databaseUrl: shop.city.url,
    topology: TEST_TOPOLOGY,
    credential: "a-credential-for-tests",
    port: 0,
    log: createLogger("test", process.env.TEST_LOG_LEVEL ?? "silent"),
    clock: shop.clock,
    recoveryIntervalMs: 20,
    paymentProviders: [shop.provider],
  });
  try {
    const order = shop.newOrder();
    expect(await shop.commit(order)).toEqual(["COMMITTED"]);
    await expect.poll(() => shop.stateOf(order), { timeout: DEADLINE_MS }).toBe("CAPTURED");
    expect(shop.company.moneyOf("dakar:1").taken).toBe(PRICE);
    expect(await shop.cancel(order)).toBe("COMMITTED");
    await expect.poll(() => shop.stateOf(order), { timeout: DEADLINE_MS }).toBe("REFUNDED");
  } finally {
    await service.close();
  }
});
