/**
 * Goal: the list of all cities' clients has one order, exact pages, and survives a city that is away. Method:
 * four databases, compared with one sorted table.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CITY_IDS, type Graph, startGraph } from "./harness/graph.ts";

let graph: Graph;
beforeAll(async () => {
  graph = await startGraph({ deadlineMs: 1_500 });
  for (const [index, id] of CITY_IDS.entries()) await addClients(id, index);
});
afterAll(() => graph.close());

/**
 * Names that sort differently in UTF-16 and in UTF-8, differ only in accents, are prefixes of others, or are
 * the same in all cities.
 */
const NAMES = [
  "Awa Diop",
  "AWA DIÔP",
  "Awa",
  "Ὀδυσσεύς",
  "𝒜mar",
  "\uffeeAmar",
  "Éloïse",
  "Eloise B",
  "Zoé 😀",
  "Zoe",
];

/**
 * Adds ten clients to a city, registered in the same four milliseconds in all cities, partly in another
 * order.
 */
async function addClients(cityId: string, index: number): Promise<void> {
  const sql = graph.sql(cityId);
  for (const [number, name] of NAMES.entries()) {
    const email = `global-${number}@example.org`;
    const registeredAt = new Date(Date.UTC(2026, 0, 31, 12, 0, 0, (number * (index + 1)) % 4));
    await sql`insert into client (id, name, email, town, registered_at) values
      (${`${cityId}:${9_000 + number}`}, ${name}, ${email}, ${cityId === "autres" ? "Kaolack" : cityId}, ${registeredAt})`;
  }
}

interface Page {
  edges: { cursor: string; node: { id: string } }[];
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
  totalCount: number | null;
  complete: boolean;
  missingCities: string[];
}

const LIST = `query ($first: Int, $after: String, $orderBy: ClientOrder, $filter: ClientFilter) {
  clients(first: $first, after: $after, orderBy: $orderBy, filter: $filter) {
    totalCount complete missingCities
    pageInfo { hasNextPage endCursor }
    edges { cursor node { id } }
  }
}`;

async function list(variables: Record<string, unknown>) {
  const { data, errors } = await graph.query(LIST, variables);
  return { page: data.clients as Page, errors };
}

const ids = ({ edges }: Page) => edges.map(({ node }) => node.id);

/** All clients in the order of one PostgreSQL table. */
async function inOrder(order: string): Promise<string[]> {
  const all: unknown[] = [];
  for (const id of CITY_IDS)
    all.push(...(await graph.sql(id)`select id, name_key, registered_at from client`));
  const sql = graph.sql("dakar");
  const column = order.startsWith("NAME") ? "name_key" : "registered_at";
  const by = order.endsWith("DESC") ? sql`desc` : sql`asc`;
  const rows = await sql<{ id: string }[]>`
    select id from jsonb_to_recordset(${JSON.stringify(all)}::text::jsonb)
      as client (id text collate "C", name_key text collate "C", registered_at timestamptz)
    order by ${sql(column)} ${by}, id ${by}`;
  return rows.map(({ id }) => id);
}

describe.each(["NAME_ASC", "NAME_DESC", "REGISTERED_AT_ASC", "REGISTERED_AT_DESC"])("by %s", (orderBy) => {
  test.each([1, 7, 100])("pages of %i have the order of one PostgreSQL", async (first) => {
    const got: string[] = [];
    for (let after: string | null = null; ; ) {
      const { page, errors }: Awaited<ReturnType<typeof list>> = await list({ first, after, orderBy });
      expect(errors).toBeUndefined();
      expect(page).toMatchObject({ complete: true, missingCities: [] });
      got.push(...ids(page));
      expect(page.totalCount).toBeGreaterThanOrEqual(got.length);
      if (!page.pageInfo.hasNextPage || got.length >= 200) break;
      after = page.pageInfo.endCursor;
    }
    expect(got).toEqual((await inOrder(orderBy)).slice(0, got.length));
    expect(got.length).toBeGreaterThan(50);
  });
});

test("a city's own list can be gone on with over all cities", async () => {
  const { data } = await graph.query(
    '{ city(id: "thies") { clients(first: 1) { pageInfo { endCursor } edges { node { id } } } } }',
  );
  const { pageInfo, edges } = data.city.clients;
  const all = await inOrder("NAME_ASC");
  const { page } = await list({ first: 3, after: pageInfo.endCursor });
  const start = all.indexOf(edges[0].node.id) + 1;
  expect(ids(page)).toEqual(all.slice(start, start + 3));
});

test("one request a city, and no more after a filter or for what lies below the clients", async () => {
  graph.forget();
  const { data, errors } = await graph.query(`{
    clients(first: 4, filter: { search: "eloise" }) {
      totalCount
      edges { node { name city { name } orders { totalCount } ... on Client { town } } }
    }
    cities { id }
  }`);
  expect(errors).toBeUndefined();
  expect(data.clients.totalCount).toBe(8);
  expect(data.clients.edges.map(({ node }: { node: unknown }) => node)).toEqual(
    // The names in the order of the cities' ids.
    ["Autres", "Dakar", "Saint-Louis", "Thiès"].map((name) => ({
      name: "Éloïse",
      city: { name },
      orders: { totalCount: 0 },
      town: name === "Autres" ? "Kaolack" : expect.any(String),
    })),
  );
  expect(graph.requests.map(({ partition }) => partition).sort()).toEqual([...CITY_IDS].sort());
});

test("fields of other subgraphs and crossings are at their rows", async () => {
  await graph.query(
    'mutation { placeOrder(input: { clientId: "thies:9000", lines: [{ productId: "101", quantity: 7 }] }) { __typename } }',
  );
  const { data, errors } = await graph.query(`{
    clients(first: 100, filter: { search: "awa" }) { edges { node {
      id
      orders { edges { node { lines { product { name } } allocations { city { name } } } } }
    } } }
  }`);
  expect(errors).toBeUndefined();
  const ordering = data.clients.edges.filter(
    ({ node }: { node: { orders: { edges: unknown[] } } }) => node.orders.edges.length > 0,
  );
  expect(ordering.map(({ node }: { node: unknown }) => node)).toEqual([
    {
      id: "thies:9000",
      orders: {
        edges: [
          {
            node: {
              lines: [{ product: { name: "Ordinateur HP" } }],
              allocations: [{ city: { name: "Dakar" } }, { city: { name: "Thiès" } }],
            },
          },
        ],
      },
    },
  ]);
});

test("a city that is away is said to be missing, and its clients come when it is back", async () => {
  const all = await inOrder("NAME_ASC");
  const isOfThies = (id: string) => id.startsWith("thies:");
  await graph.stopCity("thies");
  const { page, errors } = await list({ first: 100 });
  expect(ids(page)).toEqual(all.filter((id) => !isOfThies(id)).slice(0, 100));
  expect(page).toMatchObject({ complete: false, missingCities: ["thies"], totalCount: null });
  expect(errors).toMatchObject([
    { path: ["clients"], extensions: { code: "CITY_UNAVAILABLE", city: "thies" } },
  ]);
  await graph.startCity("thies");

  const back = await list({ first: 100, after: page.edges[4]!.cursor });
  expect(back.errors).toBeUndefined();
  expect(back.page).toMatchObject({ complete: true, missingCities: [] });
  const seen = new Set(ids(page).slice(0, 5));
  expect(ids(back.page)).toEqual(all.filter((id) => !seen.has(id)).slice(0, 100));
});

test.each([
  ["first", { first: 0 }],
  ["first", { first: 101 }],
  ["after", { after: "x" }],
  ["after", { after: "!" }],
  ["filter.search", { filter: { search: "x".repeat(101) } }],
])("a bad %s is refused once: %j", async (field, variables) => {
  const { page, errors } = await list(variables);
  expect(page).toBeNull();
  expect(errors).toMatchObject([{ path: ["clients"], extensions: { code: "BAD_USER_INPUT", field } }]);
  expect(errors).toHaveLength(1);
});

test("a cursor of another order is refused, and names both", async () => {
  const { page } = await list({ first: 1, orderBy: "NAME_DESC" });
  const { errors } = await list({ first: 1, after: page.pageInfo.endCursor });
  expect(errors!.map(({ message }) => message)).toEqual([
    "after: is a cursor of the ordering NAME_DESC, not of NAME_ASC",
  ]);
});
