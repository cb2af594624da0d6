/**
 * Goal: a city that is stopped or slow costs only its own rows, and comes back. Method: the whole graph with
 * a proxy before each city.
 */
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { type Graph, startGraph } from "./harness/graph.ts";

let graph: Graph;
beforeAll(async () => {
  graph = await startGraph({ deadlineMs: 1_500 });
});
afterAll(() => graph.close());
afterEach(() => graph.proxy("thies").set("open"));

const CITIES = "{ cities { id name clients(first: 1) { edges { node { name } } } } }";
const unavailable = (path: (string | number)[]) => ({
  message: expect.any(String),
  path,
  extensions: { code: "CITY_UNAVAILABLE", city: "thies" },
});
const trimmed = (errors: { message: string; path?: unknown; extensions?: unknown }[] | undefined) =>
  errors?.map(({ message, path, extensions }) => ({ message, path, extensions }));

test("a stopped city is one null and one error, at once, and is back without a restart of the gateway", async () => {
  await graph.query(CITIES);
  await graph.stopCity("thies");

  const startedMs = performance.now();
  const { data, errors } = await graph.query(CITIES);
  // A refused connection must not wait for the deadline of 1,500 ms. The bound is an order of magnitude above
  // the usual time.
  expect(performance.now() - startedMs).toBeLessThan(1_000);
  expect(data.cities.map((city: { id: string } | null) => city?.id ?? null)).toEqual([
    "dakar",
    null,
    "saint-louis",
    "autres",
  ]);
  expect(trimmed(errors)).toEqual([unavailable(["cities", 1])]);

  const other = await graph.query('{ client(id: "dakar:1") { name orders { totalCount } } }');
  expect(other).toEqual({ data: { client: { name: "Mamadou Ndiaye", orders: { totalCount: 0 } } } });

  await graph.startCity("thies");
  const back = await graph.query(CITIES);
  expect(back.errors).toBeUndefined();
  expect(back.data.cities[1].id).toBe("thies");
});

test("a product keeps the stock of the cities that answer, and says what is missing", async () => {
  graph.proxy("thies").set("refusing");
  const { data, errors } = await graph.query(
    '{ product(id: "101") { name stock { city { id } available } availability { total complete missingCities } } }',
  );
  expect(
    data.product.stock.map(
      (level: { city: { id: string }; available: number | null } | null) => level?.available ?? null,
    ),
  ).toEqual([8, null, 4, 3]);
  expect(data.product.availability).toEqual({ total: 15, complete: false, missingCities: ["thies"] });
  // Errors are at the missing row, and at the product whose availability lacks it.
  const places = errors!.map(({ path }) => path!.slice(0, 3).join("."));
  expect(places.sort()).toEqual(["product", "product.stock.1"]);
  for (const { extensions } of errors!)
    expect(extensions).toEqual({ code: "CITY_UNAVAILABLE", city: "thies" });
});

test("a city that hangs costs its own rows one deadline, and nobody else's anything", async () => {
  graph.proxy("thies").set("silent");
  const startedMs = performance.now();
  const fast = await graph.query('{ client(id: "dakar:1") { name } }');
  expect(performance.now() - startedMs).toBeLessThan(1_000);
  expect(fast.errors).toBeUndefined();

  const { data, errors } = await graph.query(CITIES);
  expect(data.cities.filter(Boolean)).toHaveLength(3);
  expect(trimmed(errors)).toEqual([unavailable(["cities", 1])]);
});

test("two clients, one of a city that is down", async () => {
  graph.proxy("thies").set("refusing");
  const { data, errors } = await graph.query(
    '{ a: client(id: "dakar:1") { name } b: client(id: "thies:2") { name } }',
  );
  expect(data).toEqual({ a: { name: "Mamadou Ndiaye" }, b: null });
  expect(trimmed(errors)).toEqual([unavailable(["b"])]);
});

test("an order of a client whose city is down is refused as such; others order without its stock", async () => {
  graph.proxy("thies").set("refusing");
  const place = (clientId: string, quantity: number) =>
    graph.query(
      `mutation ($input: PlaceOrderInput!) { placeOrder(input: $input) { __typename
        ... on OutOfStock { missingCities shortages { available } } } }`,
      { input: { clientId, lines: [{ productId: "101", quantity }] } },
    );
  const own = await place("thies:2", 1);
  expect(trimmed(own.errors)).toEqual([unavailable(["placeOrder"])]);
  expect((await place("dakar:1", 16)).data.placeOrder).toEqual({
    __typename: "OutOfStock",
    missingCities: ["thies"],
    shortages: [{ available: 15 }],
  });
  expect((await place("dakar:1", 10)).data.placeOrder.__typename).toBe("OrderPlaced");
});
