/**
 * Goal: five identities at all root fields, for rows of their own, of others, and that do not exist. Method:
 * the whole shop, and one gateway that takes for who asks what the test says. What is somebody else's must be
 * answered as what does not exist.
 */

import { readFileSync } from "node:fs";
import { startGateway } from "@teranga/gateway/gateway.ts";
import { topologyText } from "@teranga/infra/cities.ts";
import type { RunningServer } from "@teranga/kit/http/listen.ts";
import { type Identity, VISITOR } from "@teranga/kit/identity/identity.ts";
import { createLogger } from "@teranga/kit/process/log.ts";
import { parseTopology } from "@teranga/kit/topology/topology.ts";
import { buildSchema } from "graphql";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CREDENTIAL, type Graph, startGraph } from "./harness/graph.ts";

/** In the order of the table's columns. */
const ASKERS: readonly Identity[] = [
  VISITOR,
  { role: "client", clientId: "thies:2" },
  { role: "city-operator", subject: "fatou", cityId: "thies" },
  { role: "city-operator", subject: "moussa", cityId: "saint-louis" },
  { role: "company-operator", subject: "awa" },
];

interface Rows {
  client: string;
  city: string;
  order: string;
}
let own: Rows;
let foreign: Rows;
/** Of another client of the same city. */
let neighbour: Rows;
const missing: Rows = {
  client: "thies:999999",
  city: "thies",
  order: "thies:01900000-0000-7000-8000-00000000dead",
};

let graph: Graph;
let gateway: RunningServer;
let keys = 0;

beforeAll(async () => {
  graph = await startGraph();
  const topology = parseTopology(topologyText((name) => graph.serviceUrl(name.replace(/^city-/, ""))));
  gateway = await startGateway({
    source: { kind: "topology", topology },
    credential: CREDENTIAL,
    identity: { identify: (header) => ASKERS[Number(header?.[0])]! },
    log: createLogger("test", "silent"),
    port: 0,
  });
  own = { client: "thies:2", city: "thies", order: await placedBy("thies:2") };
  neighbour = { client: "thies:34", city: "thies", order: await placedBy("thies:34") };
  foreign = { client: "dakar:1", city: "dakar", order: await placedBy("dakar:1") };
});
afterAll(async () => {
  await gateway?.close();
  await graph?.close();
});

async function placedBy(clientId: string): Promise<string> {
  const { data } = await graph.query(
    "mutation ($input: PlaceOrderInput!) { placeOrder(input: $input) { ... on OrderPlaced { order { id } } } }",
    { input: { clientId, lines: [{ productId: "101", quantity: 1 }] } },
  );
  return data.placeOrder.order.id;
}

/** What a root field comes to: `refused`, `null`, `seen`, the name of a union's member, or a code. */
async function outcome(asker: number, query: string): Promise<string> {
  const response = await fetch(gateway.url, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: String(asker) },
    body: JSON.stringify({ query }),
  });
  const { data, errors } = (await response.json()) as {
    data?: Record<string, { __typename?: string } | unknown[] | null>;
    errors?: { extensions: { code: string } }[];
  };
  const value = data && Object.values(data)[0];
  if (value === null || value === undefined) {
    const code = errors?.[0]?.extensions.code;
    return code === "UNAUTHORIZED_FIELD" ? "refused" : (code ?? "null");
  }
  if (Array.isArray(value)) return "seen";
  const { __typename: name = "seen" } = value as { __typename?: string };
  return name;
}

const key = () => `"matrix ${++keys}"`;
const union = (call: string) => `mutation { ${call} { __typename } }`;

/** How each root field is asked for some rows. */
const ASKED: Record<string, (rows: Rows) => string> = {
  product: () => '{ product(id: "101") { id } }',
  products: () => "{ products(first: 1) { edges { node { id availability { total } } } } }",
  catalogReplication: () => "{ catalogReplication { role } }",
  supplier: () => '{ supplier(id: "1") { id } }',
  conflicts: () => "{ conflicts { id } }",
  catalogNodes: () => "{ catalogNodes { name } }",
  catalogDivergence: () => "{ catalogDivergence { agrees } }",
  client: ({ client }) => `{ client(id: "${client}") { id email wallet { balance } } }`,
  order: ({ order }) => `{ order(id: "${order}") { id client { id } } }`,
  transaction: ({ order }) => `{ transaction(id: "${order}") { id order { id } } }`,
  city: ({ city }) => `{ city(id: "${city}") { id name } }`,
  cities: () => "{ cities { id } }",
  clients: () => "{ clients(first: 1) { edges { node { id } } } }",
  quoteOrder: ({ client }) =>
    `{ quoteOrder(input: { clientId: "${client}", lines: [{ productId: "101", quantity: 1 }] }) { __typename } }`,
  placeOrder: ({ client }) =>
    union(
      `placeOrder(input: { clientId: "${client}", lines: [{ productId: "101", quantity: 1 }], idempotencyKey: ${key()} })`,
    ),
  cancelOrder: ({ order }) => union(`cancelOrder(input: { orderId: "${order}", idempotencyKey: ${key()} })`),
  transferStock: ({ city }) =>
    union(
      `transferStock(input: { productId: "101", fromCityId: "ziguinchor-none", toCityId: "${city}", quantity: 1 })`,
    ).replace("ziguinchor-none", city === "saint-louis" ? "dakar" : "saint-louis"),
  registerClient: ({ city }) =>
    union(`registerClient(input: { name: "N", email: "m${++keys}@example.org", town: "${city}" })`),
  updateClient: ({ client }) => union(`updateClient(input: { id: "${client}", phone: "+221771234567" })`),
  restock: ({ city }) => union(`restock(input: { cityId: "${city}", productId: "101", quantity: 1 })`),
  topUpWallet: ({ client }) => union(`topUpWallet(input: { clientId: "${client}", amount: 5 })`),
  createProduct: () => union(`createProduct(input: { name: "Matrix ${++keys}", price: 5 })`),
  updateProduct: () => union('updateProduct(input: { id: "999999", price: 5 })'),
  discontinueProduct: () => union('discontinueProduct(input: { id: "999999" })'),
  createSupplier: () => union(`createSupplier(input: { name: "Matrix ${++keys}" })`),
  updateSupplier: () => union('updateSupplier(input: { id: "999999", name: "x" })'),
  deleteSupplier: () => union('deleteSupplier(input: { id: "999999" })'),
  recordDeliveries: () => union('recordDeliveries(input: { supplierId: "999999", count: 1 })'),
  resolveConflict: () => union('resolveConflict(input: { id: "Product:1:price:thies:1", value: "5" })'),
  pauseReplication: () => union('pauseReplication(input: { node: "none" })'),
  resumeReplication: () => union('resumeReplication(input: { node: "none" })'),
  syncNow: () => union("syncNow(input: {})"),
};

test("every root field is asked", () => {
  const sdl = readFileSync(new URL("../schema/generated/api.graphql", import.meta.url), "utf8");
  const schema = buildSchema(sdl);
  const roots = [schema.getQueryType()!, schema.getMutationType()!].flatMap((type) =>
    Object.keys(type.getFields()),
  );
  expect(Object.keys(ASKED).sort()).toEqual(roots.sort());
});

/** One row of the table: visitor, client of Thiès, operator of Thiès, operator of Saint-Louis, company. */
const row = async (field: string, rows: Rows) => {
  const words: string[] = [];
  for (let asker = 0; asker < ASKERS.length; asker++) words.push(await outcome(asker, ASKED[field]!(rows)));
  return words.join(" ");
};

const ALL = "seen seen seen seen seen";
const OPERATORS = "refused refused seen seen seen";

test.each([
  ["product", ALL],
  ["products", ALL],
  ["cities", ALL],
  ["catalogReplication", OPERATORS],
  ["supplier", "refused refused null null null"],
  ["conflicts", OPERATORS],
  ["catalogNodes", OPERATORS],
  ["catalogDivergence", "refused refused refused refused seen"],
  ["clients", OPERATORS],
])("%s, which names no row: %s", async (field, expected) => {
  expect(await row(field, own)).toBe(expected);
});

test.each([
  "createProduct",
  "updateProduct",
  "discontinueProduct",
  "createSupplier",
  "updateSupplier",
  "deleteSupplier",
  "recordDeliveries",
  "resolveConflict",
  "pauseReplication",
  "resumeReplication",
  "syncNow",
])("%s is of the company alone", async (field) => {
  const words = (await row(field, own)).split(" ");
  expect(words.slice(0, 4)).toEqual(["refused", "refused", "refused", "refused"]);
  expect(words[4]).not.toBe("refused");
});

test.each([
  ["city", ALL, ALL, ALL],
  ["client", "refused seen seen null seen", "refused null null null seen", "refused null null null null"],
  ["order", "refused seen seen null seen", "refused null null null seen", "refused null null null null"],
  [
    "transaction",
    "refused seen seen null seen",
    "refused null null null seen",
    "refused null null null null",
  ],
  [
    "quoteOrder",
    "refused OrderQuote OrderQuote UnknownClient OrderQuote",
    "refused UnknownClient UnknownClient UnknownClient OrderQuote",
    "refused UnknownClient UnknownClient UnknownClient UnknownClient",
  ],
  [
    "placeOrder",
    "refused OrderPlaced OrderPlaced UnknownClient OrderPlaced",
    "refused UnknownClient UnknownClient UnknownClient OrderPlaced",
    "refused UnknownClient UnknownClient UnknownClient UnknownClient",
  ],
  [
    "updateClient",
    "refused ClientUpdated ClientUpdated UnknownClient ClientUpdated",
    "refused UnknownClient UnknownClient UnknownClient ClientUpdated",
    "refused UnknownClient UnknownClient UnknownClient UnknownClient",
  ],
  [
    "topUpWallet",
    "refused WalletToppedUp WalletToppedUp UnknownClient WalletToppedUp",
    "refused UnknownClient UnknownClient UnknownClient WalletToppedUp",
    "refused UnknownClient UnknownClient UnknownClient UnknownClient",
  ],
  [
    "cancelOrder",
    "refused OrderCancelled OrderAlreadyCancelled UnknownOrder OrderAlreadyCancelled",
    "refused UnknownOrder UnknownOrder UnknownOrder OrderCancelled",
    "refused UnknownOrder UnknownOrder UnknownOrder UnknownOrder",
  ],
])("%s of own, foreign and missing rows", async (field, ofOwn, ofForeign, ofMissing) => {
  expect([await row(field, own), await row(field, foreign), await row(field, missing)]).toEqual([
    ofOwn,
    ofForeign,
    ofMissing,
  ]);
});

test.each([
  ["restock", "Restocked"],
  ["registerClient", "ClientRegistered"],
  ["transferStock", "StockTransferred"],
])("%s is for the operators of the city that gets", async (field, done) => {
  expect(await row(field, own)).toBe(`refused refused ${done} refused ${done}`);
  expect(await row(field, foreign)).toBe(`refused refused refused refused ${done}`);
});

test.each([
  ["client", "refused null seen null seen"],
  ["order", "refused null seen null seen"],
  ["transaction", "refused null seen null seen"],
  ["quoteOrder", "refused UnknownClient OrderQuote UnknownClient OrderQuote"],
  ["placeOrder", "refused UnknownClient OrderPlaced UnknownClient OrderPlaced"],
  ["updateClient", "refused UnknownClient ClientUpdated UnknownClient ClientUpdated"],
  ["topUpWallet", "refused UnknownClient WalletToppedUp UnknownClient WalletToppedUp"],
  ["cancelOrder", "refused UnknownOrder OrderCancelled UnknownOrder OrderAlreadyCancelled"],
])("%s of another client of the same city: %s", async (field, expected) => {
  expect(await row(field, neighbour)).toBe(expected);
});

test("a cancellation under a neighbour's key does not get the neighbour's answer", async () => {
  const order = await placedBy("thies:34");
  const cancel = `mutation { cancelOrder(input: { orderId: "${order}", idempotencyKey: "shared" }) { __typename } }`;
  expect(await outcome(4, cancel)).toBe("OrderCancelled");
  expect(await outcome(4, cancel)).toBe("OrderCancelled");
  expect(await outcome(1, cancel)).toBe("UnknownOrder");
});
