/**
 * Goal: there is no N+1 query. Method: the exact list of SQL statements and subgraph requests that a page
 * costs.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { CITY_IDS, type Graph, startGraph } from "./harness/graph.ts";

let graph: Graph;
beforeAll(async () => {
  // Rarely, because recovery would add its own statements to the lists.
  graph = await startGraph({ recoveryIntervalMs: 3_600_000 });
  // Every order has a line that only Thiès can give, so every order crosses to another city.
  await graph.sql("thies")`update stock set on_hand = 100 where product_id between '130' and '132'`;
  await graph.sql("dakar")`update stock set on_hand = 0 where product_id between '130' and '132'`;
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
/** The tables that each statement reads; they name the batch. */
const read = (city: string) =>
  graph.statements[city]!.map((text) => text.match(/(?:from|join) (?!unnest|lateral)(\w+)/)![1]);

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
  expect(data.city.clients.edges[0].node.orders.edges[0].node.allocations).toContainEqual({
    quantity: 1,
    city: { name: "Thiès" },
  });
  // The page, then side by side the cities that gave (allocations.city crosses) and the products of lines and
  // recommendations.
  expect(asked()).toEqual(["city:dakar", "city:dakar", "city:thies", "catalog", "catalog"]);
  expect(read("dakar").sort()).toEqual([
    "client",
    "client",
    "decision_participant",
    "order_allocation",
    "order_line",
    "orders",
    "orders",
    "orders",
    "transaction_decision",
  ]);
});

test.each([
  "stock { available }",
  "availability { total }",
  // docs/decisions/002: availability has a list of its own. The plan fetches both, in one request.
  "stock { available } availability { total }",
])("a page of products with %s asks each city once, whatever its length", async (fields) => {
  for (const first of [1, 30]) {
    graph.forget();
    const { errors } = await graph.query(
      `{ products(first: ${first}) { edges { node { name ${fields} } } } }`,
    );
    expect(errors).toBeUndefined();
    for (const city of CITY_IDS) {
      expect(read(city)).toEqual(["stock"]);
      expect(asked().filter((name) => name === `city:${city}`)).toHaveLength(1);
    }
  }
});
