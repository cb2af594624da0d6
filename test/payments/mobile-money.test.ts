/** The contract suite on a provider outside, and what is durable of it. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testProviderContract } from "@teranga/city/payments/provider-contract.ts";
import { expect, test } from "vitest";
import { createMobileMoney } from "./mobile-money.ts";
import { MobileMoneyCompany } from "./mobile-money-company.ts";

/** Beyond what a busy machine takes to answer. */
const DEADLINE_MS = 10_000;

let company: MobileMoneyCompany;
let lastNumber = 0;
const newTransactionId = () => `dakar:00000000-0000-7000-8000-${String(++lastNumber).padStart(12, "0")}`;

testProviderContract(async () => {
  const directory = await mkdtemp(join(tmpdir(), "teranga-mobile-money-"));
  company = new MobileMoneyCompany(join(directory, "journal"));
  await company.start();
  return {
    provider: createMobileMoney(company.url, DEADLINE_MS),
    newTransactionId,
    newClient: async () => `dakar:${++lastNumber}`,
    giveMoney: async (clientId, amount) => company.giveMoney(clientId, amount),
    moneyOf: async (clientId) => company.moneyOf(clientId),
    // The company knows nothing of orders.
    placeOrder: async () => {},
    cancelOrder: async () => {},
    async close() {
      await company.stop();
      await rm(directory, { recursive: true });
    },
  };
});

test("what it has answered is there after a crash", async () => {
  company.giveMoney("dakar:crash", 1_000);
  const provider = createMobileMoney(company.url, DEADLINE_MS);
  const [voided, captured] = [newTransactionId(), newTransactionId()];
  expect(await provider.void(voided)).toBe("DONE");
  expect(await provider.authorise({ transactionId: captured, clientId: "dakar:crash", amount: 300 })).toBe(
    "AUTHORISED",
  );
  await company.stop();
  await expect(provider.capture(captured)).rejects.toThrow();
  await company.start();
  expect(company.moneyOf("dakar:crash")).toEqual({ free: 700, held: 300, taken: 0 });
  expect(await provider.capture(captured)).toBe("DONE");
  expect(await provider.authorise({ transactionId: voided, clientId: "dakar:crash", amount: 300 })).toBe(
    "DECLINED",
  );
});

test("an answer that is lost is no answer, and the message can be sent again", async () => {
  company.giveMoney("dakar:lost", 1_000);
  const provider = createMobileMoney(company.url, DEADLINE_MS);
  const request = { transactionId: newTransactionId(), clientId: "dakar:lost", amount: 300 };
  company.break({ losesAnswer: () => true });
  await expect(provider.authorise(request)).rejects.toThrow();
  company.heal();
  expect(await provider.authorise(request)).toBe("AUTHORISED");
  expect(company.moneyOf("dakar:lost")).toEqual({ free: 700, held: 300, taken: 0 });
});
