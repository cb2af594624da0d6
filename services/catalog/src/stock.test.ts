/**
 * The catalog's part of the graph beside the cities' part: stock stubs, and
 * what is available over all cities.
 */
import { parseTopology } from "@teranga/kit/topology/topology.ts";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { sumUp } from "./resolvers/product.ts";
import { startTestCatalog, type TestCatalog, TOPOLOGY_FILE } from "./testing.ts";

let catalog: TestCatalog;

beforeAll(async () => {
  catalog = await startTestCatalog();
  await catalog.sql`insert into product (id, name, description, price) values ('101', 'Ordinateur HP', '', 450000)`;
});
afterAll(() => catalog?.close());
beforeEach(() => {
  catalog.takeStatements();
});

const level = (city: string) => ({ city: { id: city }, product: { id: "101", name: "Ordinateur HP" } });

describe("stock", () => {
  const STOCK = `query ($cities: [ID!]) {
    product(id: "101") { stock(cities: $cities) { city { id } product { id name } } }
  }`;

  test.each([
    ["all cities by default", undefined, ["dakar", "thies", "autres"]],
    ["all cities for null", null, ["dakar", "thies", "autres"]],
    [
      "the cities asked for, once each, in the topology's order",
      ["autres", "dakar", "autres"],
      ["dakar", "autres"],
    ],
    ["no city", [], []],
  ])("has an entry for %s, and asks the database for the product alone", async (_what, cities, expected) => {
    const { data, errors } = await catalog.ask(STOCK, { cities });
    expect(errors).toBeUndefined();
    expect(data).toEqual({ product: { stock: expected.map(level) } });
    expect(catalog.takeStatements()).toHaveLength(1);
  });

  test.each([
    [["dakar", "paris"], { code: "UNKNOWN_CITY", city: "paris" }],
    [["Thiès"], { code: "UNKNOWN_CITY", city: "Thiès" }],
    [["x".repeat(900_000)], { code: "UNKNOWN_CITY", city: `${"x".repeat(100)}…` }],
    [Array.from({ length: 101 }, () => "dakar"), { code: "BAD_USER_INPUT", field: "cities" }],
  ])("refuses cities that it does not know, and long lists", async (cities, extensions) => {
    const { errors } = await catalog.ask(STOCK, { cities });
    expect(errors).toMatchObject([{ path: ["product", "stock"], extensions }]);
    expect(errors![0]!.message.length).toBeLessThan(200);
  });
});

test("stockEverywhere has every city, for availability to be made of", async () => {
  const { data } = await catalog.ask(
    '{ product(id: "101") { stockEverywhere { city { id } product { id name } } } }',
  );
  expect(data).toEqual({ product: { stockEverywhere: ["dakar", "thies", "autres"].map(level) } });
});

describe("availability", () => {
  const CITIES = ["dakar", "thies", "autres"];
  const at = (available: number | null) => ({ available });

  test.each([
    ["all answered", [at(8), at(5), at(0)], 13, []],
    ["one did not answer", [at(8), null, at(3)], 11, ["thies"]],
    ["one answered without a level", [at(8), at(5), at(null)], 13, ["autres"]],
    ["none answered", [null, null, null], 0, CITIES],
    ["nothing was gathered", [], 0, CITIES],
    ["fewer entries than cities", [at(1)], 0, CITIES],
    ["more entries than cities", [at(1), at(1), at(1), at(1)], 0, CITIES],
    ["more than an Int holds", [at(1e9), at(1e9), at(1e9)], 2 ** 31 - 1, []],
  ])("adds up: %s", (_what, reported, total, missingCities) => {
    expect(sumUp(reported, CITIES)).toEqual({ total, complete: missingCities.length === 0, missingCities });
  });

  test.each([
    [
      "as the gateway gathers it",
      { stockEverywhere: [at(8), null, at(3)] },
      { total: 11, complete: false, missingCities: ["thies"] },
    ],
    ["when it gathered nothing", {}, { total: 0, complete: false, missingCities: CITIES }],
    [
      "when it could not gather",
      { stockEverywhere: null },
      { total: 0, complete: false, missingCities: CITIES },
    ],
  ])("of an entity, %s", async (_what, representation, availability) => {
    const { data, errors } = await catalog.ask(
      `query ($of: [_Any!]!) {
        _entities(representations: $of) { ... on Product { availability { total complete missingCities } } }
      }`,
      { of: [{ __typename: "Product", id: "101", ...representation }] },
    );
    expect(errors).toBeUndefined();
    expect(data).toEqual({ _entities: [{ availability }] });
    expect(catalog.takeStatements()).toHaveLength(1);
  });
});

test("cities come and go while the catalog runs", async () => {
  const stock = async () => {
    const { data } = await catalog.ask(`{ product(id: "101") { stock { city { id } } } }`);
    return (data!.product as { stock: { city: { id: string } }[] }).stock.map(({ city }) => city.id);
  };
  const before = parseTopology(TOPOLOGY_FILE);
  await catalog.server.setTopology(parseTopology(TOPOLOGY_FILE.replace(/ +thies:.*\n/, "")));
  expect(await stock()).toEqual(["dakar", "autres"]);
  expect(() => catalog.server.setTopology({ placements: new Map() })).toThrow("no partitioned subgraph");
  expect(await stock()).toEqual(["dakar", "autres"]);
  await catalog.server.setTopology(before);
  expect(await stock()).toEqual(["dakar", "thies", "autres"]);
});
