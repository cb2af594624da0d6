/**
 * Goal: the fragments are complete and disjoint, and give back the global tables. Method: the sample data,
 * and properties over random clients.
 */
import { readSampleData } from "@teranga/infra/sample-data.ts";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CITY_IDS, type Graph, startGraph } from "./harness/graph.ts";

let graph: Graph;
beforeAll(async () => {
  graph = await startGraph();
});
afterAll(() => graph.close());

const REGISTER = `mutation ($input: RegisterClientInput!) { registerClient(input: $input) {
  ... on ClientRegistered { client { id city { id } } }
} }`;

test("the clients of all cities are the global table, each once", async () => {
  const { clients } = await readSampleData();
  const { data } = await graph.query(
    "{ cities { id clients(first: 100) { edges { node { id name email town city { id } } } } } }",
  );
  type City = {
    id: string;
    clients: {
      edges: { node: { id: string; name: string; email: string; town: string; city: { id: string } } }[];
    };
  };
  const rows = (data.cities as City[]).flatMap(({ id: cityId, clients: { edges } }) =>
    edges.map(({ node: { id, city, ...client } }) => {
      expect([city.id, id.split(":")[0]]).toEqual([cityId, cityId]);
      return { number: Number(id.split(":")[1]), ...client };
    }),
  );
  expect(rows.toSorted((a, b) => a.number - b.number)).toEqual(clients);
});

test("product info joined with the stock of all cities is the global table", async () => {
  const { products } = await readSampleData();
  const { data } = await graph.query(
    "{ products(first: 100) { edges { node { id name description price stock { onHand } availability { total complete } } } } }",
  );
  type Product = { stock: { onHand: number }[]; availability: { total: number; complete: boolean } };
  const rows = data.products.edges.map(({ node: { stock, availability, ...info } }: { node: Product }) => {
    const onHand = stock.reduce((sum, level) => sum + level.onHand, 0);
    expect(availability).toEqual({ total: onHand, complete: true });
    return { ...info, stock: onHand };
  });
  expect(rows).toEqual(products);
});

test("any client lands in one database, the one of their town", async () => {
  const town = fc.oneof(
    fc.constantFrom(
      "Dakar",
      "DAKAR",
      "Thiès",
      "thies",
      "Saint Louis",
      "saint-louis",
      "Kaolack",
      "Touba",
      "Île de Gorée",
    ),
    fc
      .string({ unit: "grapheme", minLength: 1, maxLength: 30 })
      .filter((text) => text.trim() !== "" && !/[:\0]/.test(text)),
  );
  let number = 0;
  await fc.assert(
    fc.asyncProperty(town, async (town) => {
      const email = `client${number++}@example.com`;
      const { data, errors } = await graph.query(REGISTER, { input: { name: "Quelqu'un", email, town } });
      expect(errors).toBeUndefined();
      const { id, city } = data.registerClient.client;
      const found: string[] = [];
      for (const cityId of CITY_IDS) {
        const rows = await graph.sql(cityId)`select id from client where email = ${email}`;
        for (const row of rows) found.push(`${cityId} ${row.id}`);
      }
      expect(found).toEqual([`${city.id} ${id}`]);
    }),
    { numRuns: 60 },
  );
});

test("a database refuses the clients of another city's towns, whoever writes them", async () => {
  for (const [cityId, town] of [
    ["dakar", "Thiès"],
    ["autres", "Saint Louis"],
    ["thies", "Kaolack"],
  ] as const) {
    const written = graph.sql(cityId)`
      insert into client (id, name, email, town) values (${`${cityId}:900`}, 'n', 'n@example.com', ${town})`;
    await expect(written).rejects.toMatchObject({ constraint_name: "client_town_of_city" });
  }
});
