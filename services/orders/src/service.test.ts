/** The service as a process, over HTTP, without the other services. */
import { serviceHeaders } from "@teranga/kit/http/credential.ts";
import type { RunningServer } from "@teranga/kit/http/listen.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import { parseTopology } from "@teranga/kit/topology/topology.ts";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { TOPOLOGY } from "../test/orders-in-model.ts";
import { startOrders } from "./service.ts";

const CREDENTIAL = "a-credential-for-tests";
const log = createLogger("orders", "silent");
const requests: string[] = [];
let service: RunningServer;
beforeAll(async () => {
  const onRequest = ({ operationName }: { operationName: string }) => requests.push(operationName);
  service = await startOrders({ topology: TOPOLOGY, credential: CREDENTIAL, port: 0, log, onRequest });
});
afterAll(() => service.close());
beforeEach(() => {
  requests.length = 0;
});

async function post(query: string, headers: Record<string, string> = serviceHeaders(CREDENTIAL)) {
  const response = await fetch(service.url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ query }),
  });
  const answer = (await response.json()) as { errors: { message: string; extensions: { code: string } }[] };
  return { status: response.status, errors: answer.errors };
}

const place = (clientId: string, quantity: unknown) =>
  `mutation { placeOrder(input: { clientId: "${clientId}", lines: [{ productId: "101", quantity: ${quantity} }] }) { __typename } }`;

test("is ready as soon as it runs, whatever the cities do", async () => {
  const ready = await fetch(service.url.replace("/graphql", "/health/ready"));
  expect(ready.status).toBe(200);
});

test("answers nobody without the credential", async () => {
  expect(await post("{ __typename }", {})).toMatchObject({
    status: 401,
    errors: [{ extensions: { code: "UNAUTHENTICATED" } }],
  });
});

test("names the home city when it is down, at once and without an address", async () => {
  const startedMs = performance.now();
  const { errors } = await post(place("thies:2", 1));
  expect(errors[0]!.extensions).toEqual({ code: "CITY_UNAVAILABLE", city: "thies" });
  expect(JSON.stringify(errors)).not.toContain("127.0.0.1");
  // Far below the deadline of a read.
  expect(performance.now() - startedMs).toBeLessThan(1_000);
  expect(requests.sort()).toEqual([...Array(4).fill("OrderFacts"), "OrderProducts"]);
});

test.each([
  ["a quantity of zero", place("dakar:1", 0), "BAD_USER_INPUT"],
  ["a fractional quantity", place("dakar:1", 1.5), "GRAPHQL_VALIDATION_FAILED"],
  ["an unknown city", place("atlantis:1", 1), "UNKNOWN_CITY"],
])("refuses %s without asking anybody", async (_, query, code) => {
  const { errors } = await post(query);
  expect(errors[0]!.extensions.code).toBe(code);
  expect(requests).toEqual([]);
});

test("does not start without a catalog or without cities", async () => {
  const topology = parseTopology('subgraphs: { other: { replicas: ["http://127.0.0.1:9/graphql"] } }');
  const start = startOrders({ topology, credential: CREDENTIAL, port: 0, log });
  await expect(start).rejects.toThrow('Topology: no partitioned subgraph "city"');
});
