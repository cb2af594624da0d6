/** Reading the catalog through its endpoint: products, pages, filters, entities. */
import { request } from "undici";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startTestCatalog, type TestCatalog } from "./testing.ts";

let catalog: TestCatalog;

/** Ids have one to three digits, prices repeat, times fall together in threes. */
const NAMES = [
  "Écran",
  "écouteurs",
  "Ordinateur",
  "tablette",
  "Été",
  "Étagère",
  "Zébu",
  "ampoule",
  "Câble 50 %",
  "sac_à_dos",
];
const ROWS = Array.from({ length: 30 }, (_, index) => ({
  id: String(1 + ((index * 389) % 1_009)),
  name: `${NAMES[index % 10]} ${index}`,
  description: index % 2 === 0 ? "Modèle d'été, garanti" : "Occasion",
  price: 1_000 * (1 + (index % 7)),
  discontinued: index % 10 === 9,
  created_at: new Date(Date.UTC(2026, 0, 1 + Math.floor(index / 3))),
}));

beforeAll(async () => {
  catalog = await startTestCatalog();
  await catalog.sql`insert into product ${catalog.sql(ROWS)}`;
});
afterAll(() => catalog?.close());
beforeEach(() => {
  catalog.takeStatements();
});

const plain = (text: string) =>
  text
    .normalize("NFD")
    .replace(/[\u0300-\u036f]/g, "")
    .toLowerCase()
    .replace(/[ -]+/g, "-");
const compare = (a: string | number, b: string | number) => (a < b ? -1 : a > b ? 1 : 0);

type Row = (typeof ROWS)[number];
const ORDERS: [string, (a: Row, b: Row) => number][] = [
  ["ID_ASC", (a, b) => Number(a.id) - Number(b.id)],
  ["NAME_ASC", (a, b) => compare(plain(a.name), plain(b.name))],
  ["NAME_DESC", (a, b) => compare(plain(b.name), plain(a.name))],
  ["PRICE_ASC", (a, b) => a.price - b.price || compare(a.id, b.id)],
  ["PRICE_DESC", (a, b) => b.price - a.price || compare(b.id, a.id)],
  ["CREATED_AT_DESC", (a, b) => b.created_at.getTime() - a.created_at.getTime() || compare(b.id, a.id)],
];

interface ProductsAnswer {
  edges: { cursor: string; node: { id: string } }[];
  pageInfo: {
    hasNextPage: boolean;
    hasPreviousPage: boolean;
    startCursor: string | null;
    endCursor: string | null;
  };
  totalCount: number;
}

async function products(
  args: Record<string, unknown>,
  fields = "edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }",
) {
  const query = `query ($first: Int, $after: String, $filter: ProductFilter, $orderBy: ProductOrder) {
    products(first: $first, after: $after, filter: $filter, orderBy: $orderBy) { ${fields} }
  }`;
  const { data, errors } = await catalog.ask(query, args);
  expect(errors).toBeUndefined();
  return (data as { products: ProductsAnswer }).products;
}

async function found(filter: Record<string, unknown>): Promise<string[]> {
  const answer = await products({ filter, first: 100 }, "edges { node { id } } totalCount");
  expect(answer.totalCount).toBe(answer.edges.length);
  return answer.edges.map(({ node }) => node.id);
}

const idsWhere = (condition: (row: Row) => boolean) =>
  ROWS.filter(condition)
    .sort(ORDERS[0]![1])
    .map(({ id }) => id);

test("only callers with the credential are answered; health is everyone's", async () => {
  const { url, port } = catalog.server;
  const body = JSON.stringify({ query: "{ __typename }" });
  const refused = await request(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body,
  });
  expect(refused.statusCode).toBe(401);
  expect(await refused.body.json()).toMatchObject({ errors: [{ extensions: { code: "UNAUTHENTICATED" } }] });
  const ready = await request(`http://127.0.0.1:${port}/health/ready`);
  expect([ready.statusCode, await ready.body.json()]).toEqual([200, { status: "ready" }]);
});

test("one product, with all its fields", async () => {
  const [row] = ROWS;
  const { data } = await catalog.ask(
    "query ($id: ID!) { product(id: $id) { id name description price currency discontinued createdAt } }",
    { id: row!.id },
  );
  const { created_at, ...fields } = row!;
  expect(data).toEqual({ product: { ...fields, currency: "XOF", createdAt: created_at.toISOString() } });
});

describe("pages", () => {
  test.each(ORDERS)("%s: pages of seven are the whole list, one statement a page", async (orderBy, sort) => {
    const walked: string[] = [];
    let after: string | null = null;
    for (let page = 0; page < 5; page++) {
      const { edges, pageInfo } = await products({ first: 7, after, orderBy });
      walked.push(...edges.map(({ node }) => node.id));
      expect(pageInfo).toEqual({
        hasNextPage: page < 4,
        hasPreviousPage: page > 0,
        startCursor: edges[0]!.cursor,
        endCursor: edges.at(-1)!.cursor,
      });
      after = pageInfo.endCursor;
    }
    expect(walked).toEqual([...ROWS].sort(sort).map(({ id }) => id));
    // The service's own looks at its database come in between when the machine is busy.
    expect(catalog.takeStatements().filter((statement) => statement.includes("product"))).toHaveLength(5);
  });

  test("twenty by default, in the order of ids; the count is a statement of its own, and only when asked", async () => {
    const answer = await products({}, "edges { node { id } } totalCount");
    expect(answer.edges.map(({ node }) => node.id)).toEqual(idsWhere(() => true).slice(0, 20));
    expect(answer.totalCount).toBe(30);
    expect(catalog.takeStatements().map((text) => text.split(" from ")[0])).toEqual([
      expect.stringMatching(/^select id, name/),
      "select count(*)::int as count",
    ]);
  });

  test("a page after a row that is gone goes on behind its place", async () => {
    await catalog.sql`insert into product (id, name, description, price) values ('2', 'Passager', '', 1)`;
    const { pageInfo } = await products({ first: 2 });
    await catalog.sql`delete from product where id = '2'`;
    const { edges } = await products({ first: 2, after: pageInfo.endCursor });
    expect(edges.map(({ node }) => node.id)).toEqual(idsWhere(() => true).slice(1, 3));
  });

  test("the cursor of the longest name works", async () => {
    const id = "999999999";
    await catalog.sql`insert into product (id, name, description, price) values (${id}, ${"각".repeat(200)}, '', 1)`;
    const { pageInfo } = await products({ first: 1, orderBy: "NAME_DESC" });
    const { edges } = await products({ first: 100, orderBy: "NAME_DESC", after: pageInfo.endCursor });
    await catalog.sql`delete from product where id = ${id}`;
    expect(edges).toHaveLength(30);
  });
});

describe("filters", () => {
  test.each([
    ["a word of the name, any case and accent", "ECRAN", (row: Row) => plain(row.name).includes("ecran")],
    ["a part of a word", "tabl", (row: Row) => plain(row.name).includes("tabl")],
    [
      "a word of name or description",
      "été",
      (row: Row) => /ete/.test(plain(`${row.name} ${row.description}`)),
    ],
    [
      "several words in any order",
      "garanti ecran",
      (row: Row) => plain(row.name).includes("ecran") && row.description !== "Occasion",
    ],
    ["a percent sign as itself", "%", (row: Row) => row.name.includes("%")],
    ["an underscore as itself", "_", (row: Row) => row.name.includes("_")],
    ["a backslash as itself", "\\", () => false],
    ["no word at all", " - ", () => true],
  ])("search: %s", async (_what, search, matches) => {
    expect(await found({ search })).toEqual(idsWhere(matches));
  });

  test("prices and being on sale, all at once", async () => {
    const filter = { priceMin: 2_000, priceMax: 4_000, discontinued: false, search: null };
    const ids = idsWhere(({ price, discontinued }) => price >= 2_000 && price <= 4_000 && !discontinued);
    expect(await found(filter)).toEqual(ids);
    expect(await found({ discontinued: true })).toEqual(idsWhere(({ discontinued }) => discontinued));
    expect(await found({ priceMin: 5_000, priceMax: 4_000 })).toEqual([]);
  });

  test("pages of a filtered list keep to the filter", async () => {
    const filter = { discontinued: true };
    const first = await products({ filter, first: 2 });
    const second = await products({ filter, first: 2, after: first.pageInfo.endCursor });
    const ids = [...first.edges, ...second.edges].map(({ node }) => node.id);
    expect(ids).toEqual(idsWhere(({ discontinued }) => discontinued));
  });
});

describe("entities", () => {
  const ENTITIES = "query ($of: [_Any!]!) { _entities(representations: $of) { ... on Product { id name } } }";

  test("a page of them is one statement, in the order asked, null where there is none", async () => {
    const ids = [
      ROWS[3]!.id,
      "31415926",
      ROWS[1]!.id,
      ROWS[3]!.id,
      "\0",
      "",
      "1".repeat(101),
      ...ROWS.map(({ id }) => id),
    ];
    const { data, errors } = await catalog.ask(ENTITIES, {
      of: ids.map((id) => ({ __typename: "Product", id })),
    });
    expect(errors).toBeUndefined();
    const names = new Map(ROWS.map(({ id, name }) => [id, name]));
    expect(data).toEqual({
      _entities: ids.map((id) => (names.has(id) ? { id, name: names.get(id) } : null)),
    });
    expect(catalog.takeStatements()).toEqual([
      expect.stringMatching(/ from product where id = any \(\$1::text\[\]\)$/),
    ]);
  });

  test("fields of one operation that read one product each are one statement", async () => {
    const { data } = await catalog.ask(
      `{ a: product(id: "${ROWS[0]!.id}") { name } b: product(id: "${ROWS[1]!.id}") { name } }`,
    );
    expect(data).toEqual({ a: { name: ROWS[0]!.name }, b: { name: ROWS[1]!.name } });
    expect(catalog.takeStatements()).toHaveLength(1);
  });

  test("ids that no product can have do not reach the database", async () => {
    const { data, errors } = await catalog.ask(
      "query ($a: ID!, $b: ID!) { a: product(id: $a) { id } b: product(id: $b) { id } }",
      {
        a: "10\u0000",
        b: "9".repeat(900_000),
      },
    );
    expect([data, errors]).toEqual([{ a: null, b: null }, undefined]);
    expect(catalog.takeStatements()).toEqual([]);
  });
});

test.each([
  ['{ product(id: "101") { name } }', "Product:101"],
  ['{ a: product(id: "101") { name } b: product(id: "nowhere") { name } }', "Product:101,Product:nowhere"],
  ['{ product(id: "a,b") { name } }', "Product"],
  ["{ products(first: 1) { edges { node { id } } } }", "Product"],
  ['{ _entities(representations: [{ __typename: "Product", id: "101" }]) { __typename } }', undefined],
])("an answer is named by what it shows: %s", async (query, tags) => {
  expect((await catalog.ask(query)).notes?.cacheTags).toBe(tags);
});
