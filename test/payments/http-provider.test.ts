/**
 * Goal: a payment provider over HTTP keeps the contract. Only a definite answer counts, and no answer is
 * waited for beyond its deadline. Method: the contract suite on the simulated company, restarts of it, and
 * wrong answers of an adapter.
 */
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { createHttpProvider } from "@teranga/city/payments/http-provider.ts";
import type { PaymentRequest } from "@teranga/city/payments/payment-provider.ts";
import { testProviderContract } from "@teranga/city/payments/provider-contract.ts";
import { phoneOf } from "@teranga/city/payments/test-city.ts";
import { expect, onTestFinished, test } from "vitest";
import { FaultyCompany } from "./faulty-company.ts";

let company: FaultyCompany;
let lastNumber = 0;
const newTransactionId = () => `dakar:00000000-0000-7000-8000-${String(++lastNumber).padStart(12, "0")}`;

/** @returns the request of a new client who has this much money */
function requestOf(money: number, amount: number): PaymentRequest {
  const clientId = `dakar:${++lastNumber}`;
  company.giveMoney(clientId, money);
  return { transactionId: newTransactionId(), clientId, amount, phone: phoneOf(clientId) };
}

testProviderContract(async () => {
  company = await FaultyCompany.open();
  return {
    provider: company.provider(),
    newTransactionId,
    newClient: async () => `dakar:${++lastNumber}`,
    giveMoney: async (clientId, amount) => company.giveMoney(clientId, amount),
    moneyOf: async (clientId) => company.moneyOf(clientId),
    // The company knows nothing of orders.
    placeOrder: async () => {},
    cancelOrder: async () => {},
    close: () => company.close(),
  };
});

test("what it has answered is there after a crash", async () => {
  const provider = company.provider();
  const captured = requestOf(1_000, 300);
  const voided = { ...captured, transactionId: newTransactionId() };
  expect(await provider.void(voided.transactionId)).toBe("DONE");
  expect(await provider.authorise(captured)).toBe("AUTHORISED");
  await company.stop();
  await expect(provider.capture(captured.transactionId)).rejects.toThrow();
  await company.start();
  expect(company.moneyOf(captured.clientId)).toEqual({ free: 700, held: 300, taken: 0 });
  expect(await provider.capture(captured.transactionId)).toBe("DONE");
  expect(await provider.authorise(voided)).toBe("DECLINED");
});

test("an answer that is lost is no answer, and the message can be sent again", async () => {
  const provider = company.provider();
  const request = requestOf(1_000, 300);
  company.break({ losesAnswer: () => true });
  await expect(provider.authorise(request)).rejects.toThrow();
  company.heal();
  expect(await provider.authorise(request)).toBe("AUTHORISED");
  expect(company.moneyOf(request.clientId)).toEqual({ free: 700, held: 300, taken: 0 });
});

test("a message that is signed with another secret changes nothing", async () => {
  const provider = company.provider("another-secret-for-payments");
  const request = requestOf(1_000, 300);
  await expect(provider.authorise(request)).rejects.toThrow("answered with HTTP status 401");
  expect(company.stateOf(request.transactionId)).toBeUndefined();
});

test("a signature is good for its message, its bytes and some minutes only", async () => {
  const seen = Promise.withResolvers<{ signature: string; body: string }>();
  const { url, close } = await serve(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    seen.resolve({ signature: String(request.headers["teranga-signature"]), body });
    response.end('{"answer":"DONE"}');
  });
  const nowMs = { is: Date.now() };
  const clock = { nowMs: () => nowMs.is, random: () => 0.5 };
  const provider = createHttpProvider({ url, secret: "a-secret-for-payments", clock });
  await provider.void(newTransactionId());
  const { signature, body } = await seen.promise;
  const tell = async (message: string, text: string, header: string) => {
    const headers = { "content-type": "application/json", "teranga-signature": header };
    return (await fetch(`${company.url}/${message}`, { method: "POST", headers, body: text })).status;
  };
  expect(await tell("capture", body, signature)).toBe(401);
  expect(await tell("void", `${body} `, signature)).toBe(401);
  expect(await tell("void", body, "")).toBe(401);
  const later = signature.replace(/\d+/, String(Math.floor(nowMs.is / 1_000) + 301));
  expect(await tell("void", body, later)).toBe(401);
  expect(await tell("void", body, signature)).toBe(200);
  await provider.close();
  await close();
});

/** Serves an answer of a company or its adapter. */
async function serve(listener: RequestListener) {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  const close = async () => {
    server.closeAllConnections();
    server.close();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close };
}

test.each<[string, string, RequestListener]>([
  ["a fault", "status 500", (_, response) => response.writeHead(500).end('{"answer":"AUTHORISED"}')],
  // A followed redirect would take the message to another server.
  ["a redirect", "status 307", (_, response) => response.writeHead(307, { location: "/other" }).end()],
  ["no content", "status 204", (_, response) => response.writeHead(204).end()],
  ["what is not JSON", "JSON", (_, response) => response.end("AUTHORISED")],
  ["another word", "Invalid", (_, response) => response.end('{"answer":"DONE"}')],
  ["nothing", "JSON", (_, response) => response.end()],
  ["too much", "exceeded", (_, response) => response.end(`{"answer":"AUTHORISED"}${" ".repeat(20_000)}`)],
  [
    "half an answer",
    "",
    (_, response) => response.writeHead(200, { "content-length": "30" }).end('{"answer"'),
  ],
  ["an answer that never ends", "aborted", (_, response) => response.write('{"answer":')],
  ["no answer", "aborted", () => {}],
])("%s is no answer", async (_name, words, listener) => {
  const { url, close } = await serve((request, response) => {
    request.resume();
    listener(request, response);
  });
  onTestFinished(close);
  const provider = createHttpProvider({
    url,
    secret: "a-secret-for-payments",
    clock: { nowMs: Date.now, random: () => 0.5 },
  });
  const request = {
    transactionId: newTransactionId(),
    clientId: "dakar:1",
    amount: 1,
    phone: "+221770000001",
  };
  const asked = provider.authorise(request, AbortSignal.timeout(words === "aborted" ? 200 : 10_000));
  await expect(asked).rejects.toThrow(words);
  await provider.close();
});
