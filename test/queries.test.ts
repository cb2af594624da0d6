/** Goal: every shape of query gives the right answer. Method: the real gateway and the real services. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { CITY_IDS, type Graph, startGraph } from "./harness/graph.ts";
import { expectInvariants, stockAndOrders } from "./harness/invariants.ts";
import { levelsOf } from "./harness/stock.ts";

let graph: Graph;
beforeAll(async () => {
  graph = await startGraph();
});
afterAll(() => graph.close());
beforeEach(() => graph.forget());

/** Asks, expecting no error. */
const ask = async (query: string, variables?: Record<string, unknown>) => {
  const { data, errors } = await graph.query(query, variables);
  expect(errors).toBeUndefined();
  return data;
};
const asked = () =>
  graph.requests.map(({ subgraph, partition }) => (partition ? `${subgraph}:${partition}` : subgraph)).sort();

describe("across the cities", () => {
  test("cities come from four databases, in the topology's order", async () => {
    const { cities } = await ask(
      "{ cities { id name clients(first: 2) { edges { node { id name town } } } } }",
    );
    expect(cities.map(({ id }: { id: string }) => id)).toEqual(["dakar", "thies", "saint-louis", "autres"]);
    for (const { id, clients } of cities) {
      expect(clients.edges).toHaveLength(2);
      for (const { node } of clients.edges) expect(node.id.split(":")[0]).toBe(id);
    }
    expect(asked()).toEqual(["city:autres", "city:dakar", "city:saint-louis", "city:thies"]);
  });

  test("clients of two cities in one operation", async () => {
    expect(await ask('{ a: client(id: "dakar:1") { name } b: client(id: "thies:2") { name } }')).toEqual({
      a: { name: "Mamadou Ndiaye" },
      b: { name: "Awa Diop" },
    });
    expect(asked()).toEqual(["city:dakar", "city:thies"]);
  });

  test("two clients of one city are one request", async () => {
    await ask('query ($b: ID!) { a: client(id: "dakar:1") { name } b: client(id: $b) { name } }', {
      b: "dakar:4",
    });
    expect(asked()).toEqual(["city:dakar"]);
  });

  test("a product's stock adds up over the cities", async () => {
    const { product } = await ask(`{ product(id: "101") {
      name price currency
      stock { city { id name } warehouse onHand reserved available }
      availability { total complete missingCities }
    } }`);
    expect(product).toMatchObject({ name: "Ordinateur HP", price: 450_000, currency: "XOF" });
    expect(product.availability).toEqual({ total: 20, complete: true, missingCities: [] });
    expect(
      product.stock
        .map((level: { available: number }) => level.available)
        .reduce((a: number, b: number) => a + b),
    ).toBe(20);
    expect(product.stock.map((level: { city: { name: string } }) => level.city.name)).toEqual([
      "Dakar",
      "Thiès",
      "Saint-Louis",
      "Autres",
    ]);
  });

  test("the stock of some cities beside the availability over all", async () => {
    const { product } = await ask(
      '{ product(id: "102") { stock(cities: ["thies", "dakar"]) { city { id } available } availability { total complete } } }',
    );
    expect(product.stock.map(({ city }: { city: { id: string } }) => city.id)).toEqual(["dakar", "thies"]);
    expect(product.availability).toEqual({ total: 50, complete: true });
  });

  test("a product that no city ever had has zero everywhere", async () => {
    const { createProduct } = await ask(
      'mutation { createProduct(input: { name: "Ventilateur", price: 15000 }) { ... on ProductCreated { product { id } } } }',
    );
    const { product } = await ask(
      "query ($id: ID!) { product(id: $id) { stock { available warehouse } availability { total complete } } }",
      { id: createProduct.product.id },
    );
    expect(product.availability).toEqual({ total: 0, complete: true });
    expect(product.stock).toEqual(CITY_IDS.map(() => ({ available: 0, warehouse: null })));
  });
});

describe("names and ids", () => {
  test.each([
    ["thies", "thies"],
    ["Thiès", "thies"],
    ["SAINT LOUIS", "saint-louis"],
    ["Kaolack", "autres"],
  ])("city(%j) is %s", async (name, id) => {
    expect(await ask("query ($name: ID!) { city(id: $name) { id } }", { name })).toEqual({ city: { id } });
  });

  test("nothing of an id is null, not an error", async () => {
    expect(
      await ask(
        '{ client(id: "dakar:99999") { id } order(id: "thies:x") { id } transaction(id: "thies:x") { id } product(id: "x") { id } }',
      ),
    ).toEqual({ client: null, order: null, transaction: null, product: null });
  });
});

describe("lists", () => {
  test("pages of clients follow one another without gap or repetition", async () => {
    for (const orderBy of ["NAME_ASC", "NAME_DESC", "REGISTERED_AT_ASC", "REGISTERED_AT_DESC"]) {
      const ids: string[] = [];
      let after: string | null = null;
      let total = 0;
      for (let page = 0; page < 20; page++) {
        const { city }: { city: { clients: ClientPage } } = await ask(
          `query ($after: String, $orderBy: ClientOrder) { city(id: "autres") {
            clients(first: 3, after: $after, orderBy: $orderBy) { totalCount pageInfo { hasNextPage endCursor } edges { node { id } } }
          } }`,
          { after, orderBy },
        );
        ids.push(...city.clients.edges.map(({ node }) => node.id));
        total = city.clients.totalCount;
        after = city.clients.pageInfo.endCursor;
        if (!city.clients.pageInfo.hasNextPage) break;
      }
      expect(ids).toHaveLength(total);
      expect(new Set(ids).size).toBe(total);
    }
  });

  test("filters hold, all together", async () => {
    const { city } = await ask(
      '{ city(id: "autres") { clients(first: 100, filter: { town: "ZIGUINCHOR", search: "sey" }) { edges { node { name town } } } } }',
    );
    expect(city.clients.edges).toEqual([{ node: { name: "Seynabou Sy", town: "Ziguinchor" } }]);
    const { thies } = await ask(
      '{ thies: city(id: "thies") { stock(first: 100, filter: { availableMin: 5, availableMax: 10 }, orderBy: AVAILABLE_DESC) { edges { node { available } } } } }',
    );
    const available = thies.stock.edges.map(({ node }: { node: { available: number } }) => node.available);
    expect(available.length).toBeGreaterThan(2);
    expect(available).toEqual(available.toSorted((a: number, b: number) => b - a));
    for (const count of available) expect(count >= 5 && count <= 10).toBe(true);
  });

  test("products by search, price and order", async () => {
    const { products } = await ask(
      '{ products(first: 50, filter: { search: "ecouteurs", priceMax: 50000 }, orderBy: PRICE_ASC) { totalCount edges { node { id name } } } }',
    );
    expect(products.edges.map(({ node }: { node: { id: string } }) => node.id)).toContain("109");
  });
});

interface ClientPage {
  totalCount: number;
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
  edges: { node: { id: string } }[];
}

test("a quote says what an order would cost and where it would come from, without effect", async () => {
  const contents = async () => [await levelsOf(graph, "110"), await stockAndOrders(graph)];
  const before = await contents();
  const { quoteOrder } = await ask(
    `{ quoteOrder(input: { clientId: "autres:5", lines: [{ productId: "110", quantity: 20 }] }) {
      ... on OrderQuote { total currency allocations { city { id name } quantity } lines { total product { name } } }
    } }`,
  );
  expect(quoteOrder).toMatchObject({
    total: 800_000,
    currency: "XOF",
    lines: [{ product: { name: "Souris Gamer" } }],
  });
  const quantities: number[] = quoteOrder.allocations.map(({ quantity }: { quantity: number }) => quantity);
  expect(quantities.reduce((a, b) => a + b)).toBe(20);
  expect(await contents()).toEqual(before);
  await expectInvariants(graph);
});

describe("mutations", () => {
  test.each([
    ["THIES", "thies"],
    ["thies", "thies"],
    ["Thiès", "thies"],
    ["Kaolack", "autres"],
    ["saint louis", "saint-louis"],
  ])("a client of %s is registered in the database of %s", async (town, cityId) => {
    const email = `${town.normalize("NFD").replace(/\W/g, "")}${Math.random()}@example.com`;
    const { registerClient } = await ask(
      `mutation ($input: RegisterClientInput!) { registerClient(input: $input) {
        ... on ClientRegistered { client { id town city { id name } } }
      } }`,
      { input: { name: "Ndeye Fall", email, town } },
    );
    expect(registerClient.client.city.id).toBe(cityId);
    for (const city of CITY_IDS) {
      const rows = await graph.sql(city)`select id, town from client where email = ${email}`;
      expect([...rows]).toEqual(city === cityId ? [{ id: registerClient.client.id, town }] : []);
    }
  });

  test("root fields happen in order, over cities", async () => {
    const restock = (alias: string, cityId: string) =>
      `${alias}: restock(input: { cityId: "${cityId}", productId: "150", quantity: 1 }) { ... on Restocked { stock { city { id } onHand } } }`;
    const data = await ask(
      `mutation { ${restock("a", "dakar")} ${restock("b", "thies")} ${restock("c", "dakar")} }`,
    );
    expect(data.c.stock.onHand).toBe(data.a.stock.onHand + 1);
    expect(asked()).toEqual(["city:dakar", "city:dakar", "city:thies"]);
  });

  test("what one has loaded is not what the next one shows", async () => {
    const restock = (
      alias: string,
    ) => `${alias}: restock(input: { cityId: "dakar", productId: "149", quantity: 1 }) {
      ... on Restocked { stock { movements(first: 1) { totalCount } } }
    }`;
    const data = await ask(`mutation { ${restock("a")} ${restock("b")} }`);
    expect(data.b.stock.movements.totalCount).toBe(data.a.stock.movements.totalCount + 1);
  });

  test("expected outcomes are typed results", async () => {
    const data = await ask(`mutation {
      taken: registerClient(input: { name: "X", email: "MNDIAYE@example.com", town: "Dakar" }) { __typename }
      moved: updateClient(input: { id: "dakar:1", town: "Thies" }) { __typename ... on TownOfAnotherCity { city { name } } }
      nobody: updateClient(input: { id: "dakar:999", name: "X" }) { __typename }
      renamed: updateClient(input: { id: "dakar:1", phone: "+221771234567" }) { ... on ClientUpdated { client { name phone } } }
      nothing: restock(input: { cityId: "dakar", productId: "999999", quantity: 1 }) { __typename }
      unknown: updateProduct(input: { id: "999999", price: 5 }) { __typename }
      gone: discontinueProduct(input: { id: "150" }) { ... on ProductDiscontinued { product { discontinued } } }
    }`);
    expect(data).toEqual({
      taken: { __typename: "EmailTaken" },
      moved: { __typename: "TownOfAnotherCity", city: { name: "Thiès" } },
      nobody: { __typename: "UnknownClient" },
      renamed: { client: { name: "Mamadou Ndiaye", phone: "+221771234567" } },
      nothing: { __typename: "UnknownProduct" },
      unknown: { __typename: "UnknownProduct" },
      gone: { product: { discontinued: true } },
    });
  });
});
