/**
 * Goal: operations that are expensive for the shop's databases, or have long answers, are expensive in its
 * schema. Method: the costs of the composed graph.
 */
import { readFileSync } from "node:fs";
import { getOperationAST, parse } from "graphql";
import { expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../ground/limits.ts";
import { readSupergraph } from "../ground/supergraph.ts";
import { createCostModel } from "./cost.ts";

const SUPERGRAPH = new URL("../../../schema/generated/supergraph.graphql", import.meta.url);
const model = createCostModel(readSupergraph(readFileSync(SUPERGRAPH, "utf8")));

function costOf(query: string, variables: Record<string, unknown> = {}): number {
  const document = parse(query);
  return model.costOf({ document, operation: getOperationAST(document)!, variables }, () => 4);
}

const times = (count: number, text: string) =>
  Array.from({ length: count }, (_, i) => `a${i}: ${text}`).join(" ");

test.each([
  ["long texts", `{ products(first: 100) { edges { node { ${times(99, "description")} } } } }`],
  ["counts of the catalog", `{ ${times(49, "products { totalCount } ")} p: products { totalCount } }`],
  ["counts of one list", `{ products { ${times(99, "totalCount")} } }`],
  ["counts of a city", `{ city(id: "dakar") { ${times(99, "orders { totalCount }")} } }`],
  ["counts of clients everywhere", `{ ${times(50, "clients(first: 1) { totalCount }")} }`],
  ["counts of a wallet", `{ client(id: "dakar:1") { wallet { ${times(99, "entries { totalCount }")} } } }`],
  [
    "counts of movements",
    `{ city(id: "dakar") { stock(first: 100) { edges { node { movements { totalCount } } } } } }`,
  ],
  ["searches", `{ ${times(50, 'clients(first: 1, filter: { search: "a" }) { complete }')} }`],
  [
    "searches of the catalog",
    `{ ${times(50, 'products(first: 1, filter: { search: "a" }) { pageInfo { hasNextPage } }')} }`,
  ],
])("many of what is dear are refused: %s", (_, query) => {
  expect(costOf(query)).toBeGreaterThan(DEFAULT_LIMITS.costMax);
});

test("a search costs the same in a variable", () => {
  const query = `query ($filter: ClientFilter) { ${times(50, "clients(first: 1, filter: $filter) { complete }")} }`;
  expect(costOf(query, { filter: { search: "a" } })).toBeGreaterThan(DEFAULT_LIMITS.costMax);
  expect(costOf(query, { filter: null })).toBeLessThan(1_000);
});

test.each([
  [
    "a page of the catalog",
    `{ products(first: 100, filter: { search: "riz" }) { totalCount edges { node { name description } } } }`,
  ],
  [
    "a page of clients with their orders",
    `{ clients(first: 50, filter: { search: "awa" }) { totalCount edges { node { name orders { totalCount } } } } }`,
  ],
  [
    "a dashboard of cities",
    "{ cities { name clients { totalCount } orders { totalCount } stock { totalCount } transactions { totalCount } } }",
  ],
])("what a page asks for is far from the limit: %s", (_, query) => {
  expect(costOf(query)).toBeLessThan(DEFAULT_LIMITS.costMax * 0.7);
});
