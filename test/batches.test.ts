/** No N+1: what a page costs is a fixed list of SQL statements and subgraph requests. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Graph, startGraph } from "./harness/graph.ts";

let graph: Graph;
beforeAll(async () => {
  graph = await startGraph();
  for (let n = 0; n < 3; n++) {
    const town = "Dakar";
    for (let i = 0; i < 8; i++) {
      const input = { name: `Acheteur ${n} ${i}`, email: `a${n}.${i}@example.com`, town };
      const { data } = await graph.query(
        "mutation ($input: RegisterClientInput!) { registerClient(input: $input) { ... on ClientRegistered { client { id } } } }",
        { input },
      );
      const lines = [
        { productId: `${120 + i}`, quantity: 1 },
        { productId: `${130 + n}`, quantity: 1 },
      ];
      const placed = await graph.query(
        "mutation ($input: PlaceOrderInput!) { placeOrder(input: $input) { __typename } }",
        { input: { clientId: data.registerClient.client.id, lines } },
      );
      expect(placed.data.placeOrder.__typename).toBe("OrderPlaced");
    }
  }
});
afterAll(() => graph.close());

const asked = () =>
  graph.requests.map(({ subgraph, partition }) => (partition ? `${subgraph}:${partition}` : subgraph));
/** The tables that each statement reads, which names the batch. */
const read = (city: string) =>
  graph.statements[city]!.map((text) => text.match(/(?:from|join) (?!unnest)(\w+)/)![1]);

const PAGE = `query ($first: Int!) { city(id: "dakar") {
  clients(first: $first, filter: { search: "acheteur" }) { totalCount edges { node {
    name orders(first: 5) { totalCount edges { node { total
      lines { quantity product { name price } }
      allocations { quantity city { name } }
      transaction { state participants { acknowledgedAt } }
    } } }
    recommendedProducts(first: 3) { name }
  } } }
} }`;

test.each([1, 20])("a page of %i clients with their orders and products", async (first) => {
  graph.forget();
  const { data, errors } = await graph.query(PAGE, { first });
  expect(errors).toBeUndefined();
  expect(data.city.clients.edges).toHaveLength(first);
  expect(data.city.clients.edges[0].node.orders.edges[0].node.lines[0].product.name).toEqual(
    expect.any(String),
  );
  // The crossings (allocations.city) and the products are each one more request, whatever the number of rows.
  expect(asked().sort()).toEqual(expect.arrayContaining(["catalog", "city:dakar"]));
  expect(asked().length).toBeLessThanOrEqual(7);
  expect(read("dakar").sort()).toEqual([
    "client",
    "client",
    "decision_participant",
    "order_allocation",
    "order_line",
    "order_line",
    "orders",
    "orders",
    "transaction_decision",
  ]);
});

test("a page of products with their stock costs one statement a city", async () => {
  const page = (first: number) =>
    `{ products(first: ${first}) { edges { node { name stock { available } availability { total } } } } }`;
  for (const first of [1, 30]) {
    graph.forget();
    const { errors } = await graph.query(page(first));
    expect(errors).toBeUndefined();
    for (const city of ["dakar", "thies", "saint-louis", "autres"]) expect(read(city)).toEqual(["stock"]);
    expect(asked().filter((name) => name.startsWith("city:"))).toHaveLength(4);
  }
});
