/**
 * Goal: planning is bounded, whatever choices there are, and plans are as good as those of a full search.
 * Method: the shop's own supergraph, where two ways lead to a city's name. Fetches and tries are counted.
 */
import { readFileSync } from "node:fs";
import type { PlanNode, QueryPlan } from "@apollo/query-planner";
import planner from "@apollo/query-planner/dist/generateAllPlans.js";
import { afterEach, expect, test, vi } from "vitest";
import { asking, startGraph } from "../fixture/engine.ts";
import { readSupergraph } from "../ground/supergraph.ts";
import { createSources } from "../sources/create-sources.ts";
import { Graph } from "./graph.ts";

const SUPERGRAPH = readFileSync(
  new URL("../../../schema/generated/supergraph.graphql", import.meta.url),
  "utf8",
);
const supergraph = readSupergraph(SUPERGRAPH);
const graph = new Graph(supergraph, createSources(supergraph, new Map()));

afterEach(() => vi.restoreAllMocks());

function fetchCount({ node }: Pick<QueryPlan, "node">): number {
  const count = (each: PlanNode): number => {
    if (each.kind === "Fetch") return 1;
    if (each.kind === "Flatten") return count(each.node);
    if (each.kind === "Sequence" || each.kind === "Parallel")
      return each.nodes.reduce((sum, inner) => sum + count(inner), 0);
    throw new Error(`no ${each.kind} node is planned here`);
  };
  return count(node as PlanNode);
}

const products = (count: number, body: string) =>
  `{ ${Array.from({ length: count }, (_, i) => `p${i}: product(id: "${i}") { ${body} }`).join(" ")} }`;
const stocks = (count: number, body: string) =>
  `{ product(id: "1") { ${Array.from({ length: count }, (_, i) => `s${i}: stock(cities: ["${i}"]) { ${body} }`).join(" ")} } }`;

// One fetch for all products, and one for each product's stocks in the cities.
test.each([
  ["what can be had in two ways", products(50, "stock { city { name } }"), 51],
  ["several of such fields", products(50, "stock { city { name towns location { latitude } } }"), 51],
  [
    "what is best had with something else",
    products(50, "stock { available city { name towns isDefault } }"),
    51,
  ],
  ["below one field", stocks(99, "city { name }"), 100],
  ["below one field, with something else", stocks(99, "available city { name towns }"), 100],
  [
    "in several places of one product",
    products(30, "stock { city { name } } s: stock { city { towns } }"),
    61,
  ],
])("the best plan is found: %s", (_, query, expected) => {
  expect(fetchCount(graph.planOf(asking(query)))).toBe(expected);
});

test("combinations are tried by place: not 2^40 of them, but a few each", () => {
  let tried = 0;
  const ours = planner.generateAllPlansAndFindBest;
  vi.spyOn(planner, "generateAllPlansAndFindBest").mockImplementation((question) => {
    const addFct: typeof question.addFct = (plan, way) => {
      tried++;
      return question.addFct(plan, way);
    };
    return ours({ ...question, addFct });
  });
  graph.planOf(asking(products(40, "stock { city { name towns } }")));
  expect(tried).toBeGreaterThan(40);
  expect(tried).toBeLessThanOrEqual(5 * 40);
});

test("an operation with too many ways through the subgraphs is refused, and not a fault", () => {
  const names = Array.from({ length: 21 }, (_, i) => `s${i}`);
  const sdl = (name: string) => `type Query { node: Node @shareable }
    type Node @key(fields: "id") { id: ID! ${name}: Int }`;
  const wide = startGraph(Object.fromEntries(names.map((name) => [name, { sdl: sdl(name), resolvers: {} }])));
  const fields = Array.from({ length: 5_000 }, (_, i) => `a${i}: s${i % 21}`).join(" ");
  let refusal: unknown;
  try {
    wide.graph.planOf(asking(`{ node { ${fields} } }`));
  } catch (error) {
    refusal = error;
  }
  expect(refusal).toMatchObject({
    extensions: { code: "OPERATION_LIMIT_EXCEEDED", limit: "ways", allowed: 100_000 },
  });
});
