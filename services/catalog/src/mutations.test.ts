/** Changing the catalog through its endpoint: the outcomes, and what they leave in the database. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { startTestCatalog, type TestCatalog } from "./testing.ts";

let catalog: TestCatalog;

beforeAll(async () => {
  catalog = await startTestCatalog();
});
afterAll(() => catalog?.close());
beforeEach(async () => {
  await catalog.sql`truncate product`;
  await catalog.sql`
    insert into product (id, name, description, price, created_at, updated_at) values
      ('7', 'Écran', 'Full HD', 145000, '2026-01-01', '2026-01-01'), ('8', 'Clavier', '', 65000, '2026-01-01', '2026-01-01')`;
  await catalog.sql`select setval('product_number', 100)`;
});

const FIELDS = "product { id name description price discontinued }";
const MUTATIONS = {
  createProduct: `mutation ($input: CreateProductInput!) { createProduct(input: $input) {
    __typename ... on ProductCreated { ${FIELDS} } ... on ProductNameTaken { message ${FIELDS} }
    ... on ProductKeyReused { message ${FIELDS} } } }`,
  updateProduct: `mutation ($input: UpdateProductInput!) { updateProduct(input: $input) {
    __typename ... on ProductUpdated { ${FIELDS} } ... on UnknownProduct { message productId }
    ... on ProductNameTaken { message ${FIELDS} } } }`,
  discontinueProduct: `mutation ($input: DiscontinueProductInput!) { discontinueProduct(input: $input) {
    __typename ... on ProductDiscontinued { ${FIELDS} } ... on UnknownProduct { message productId } } }`,
};

async function run(mutation: keyof typeof MUTATIONS, input: Record<string, unknown>): Promise<unknown> {
  const { data, errors } = await catalog.ask(MUTATIONS[mutation], { input });
  expect(errors).toBeUndefined();
  return data![mutation];
}

const rowOf = async (id: string) =>
  (await catalog.sql`select id, name, description, price, discontinued from product where id = ${id}`)[0];
const updatedAt = async (id: string) =>
  ((await catalog.sql`select updated_at from product where id = ${id}`)[0]!.updated_at as Date).toISOString();

const SCREEN = { id: "7", name: "Écran", description: "Full HD", price: 145_000, discontinued: false };
const UNCHANGED = "2026-01-01T00:00:00.000Z";

test("a new product has the next number, and what was given, trimmed", async () => {
  const created = { id: "101", name: "Souris", description: "", price: 40_000, discontinued: false };
  expect(await run("createProduct", { name: "  Souris ", price: 40_000 })).toEqual({
    __typename: "ProductCreated",
    product: created,
  });
  expect(await rowOf("101")).toEqual(created);
});

const MOUSE = { name: "Souris", price: 40_000, idempotencyKey: "k" };

test("a product is created once a key, also after it has changed, also at the same time", async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, () => run("createProduct", MOUSE)));
  for (const answer of answers) expect(answer).toEqual(answers[0]);
  const { product } = answers[0] as { product: { id: string } };
  await run("updateProduct", { id: product.id, name: "Souris bleue" });
  await run("createProduct", { name: "Souris", price: 1 });
  expect(await run("createProduct", MOUSE)).toEqual({
    __typename: "ProductCreated",
    product: { ...product, name: "Souris bleue" },
  });
  const products = await catalog.sql`select from product where name like 'Souris%'`;
  expect(products).toHaveLength(2);
});

test.each([{ name: "Autre" }, { price: 1 }, { description: "x" }])(
  "a key is not taken for %j",
  async (other) => {
    const { product } = (await run("createProduct", MOUSE)) as { product: object };
    expect(await run("createProduct", { ...MOUSE, ...other })).toEqual({
      __typename: "ProductKeyReused",
      message: "The idempotency key stands for another product.",
      product,
    });
  },
);

test.each([
  ["the same name", MOUSE],
  ["another name", { ...MOUSE, name: "Autre" }],
])(
  "a database that goes away before the key is looked up, with %s, leaves it unknown what has happened",
  async (_, input) => {
    await run("createProduct", MOUSE);
    catalog.awayFor("from product");
    const { errors } = await catalog.ask(MUTATIONS.createProduct, { input });
    catalog.awayFor(undefined);
    expect(errors).toMatchObject([{ extensions: { code: "OUTCOME_UNKNOWN", subgraph: "catalog" } }]);
  },
);

test("a name that is taken is taken, with a key or without, and the key is free then", async () => {
  const taken = { ...MOUSE, name: "Écran" };
  expect(await run("createProduct", taken)).toMatchObject({ __typename: "ProductNameTaken" });
  expect(await run("createProduct", MOUSE)).toMatchObject({ __typename: "ProductCreated" });
});

test("the widest values are accepted", async () => {
  const input = { name: "é".repeat(200), description: "a\n".repeat(999).concat("aa"), price: 1_000_000_000 };
  expect(await run("createProduct", input)).toMatchObject({ __typename: "ProductCreated", product: input });
});

test("a name that differs by accents, case or spacing alone is taken", async () => {
  expect(await run("createProduct", { name: "ECRAN", price: 1 })).toEqual({
    __typename: "ProductNameTaken",
    message: 'Product 7 is already called "Écran".',
    product: SCREEN,
  });
  expect(await run("updateProduct", { id: "8", name: "écran ", price: 1 })).toMatchObject({
    __typename: "ProductNameTaken",
    product: SCREEN,
  });
  expect(await rowOf("8")).toMatchObject({ name: "Clavier", price: 65_000 });
});

test("of ten that take one name at once, one gets it and the others are told whose it is", async () => {
  const names = Array.from({ length: 10 }, (_, index) => (index % 2 === 0 ? "Tablette" : "TABLETTE"));
  const outcomes = (await Promise.all(names.map((name) => run("createProduct", { name, price: 1 })))) as {
    __typename: string;
    product: { id: string };
  }[];
  expect(outcomes.map(({ __typename }) => __typename).sort()).toEqual([
    "ProductCreated",
    ...Array.from({ length: 9 }, () => "ProductNameTaken"),
  ]);
  expect(new Set(outcomes.map(({ product }) => product.id)).size).toBe(1);
  expect(await catalog.sql`select from product`).toHaveLength(3);
});

test("an update changes what is given and leaves the rest", async () => {
  expect(await run("updateProduct", { id: "7", price: 150_000, name: null })).toEqual({
    __typename: "ProductUpdated",
    product: { ...SCREEN, price: 150_000 },
  });
  expect(await run("updateProduct", { id: "7", description: "", name: "ÉCRAN" })).toMatchObject({
    product: { name: "ÉCRAN", description: "", price: 150_000 },
  });
  expect(await updatedAt("7")).not.toBe(UNCHANGED);
});

test("updates of different fields at once are all kept", async () => {
  await Promise.all([
    run("updateProduct", { id: "7", price: 1 }),
    run("updateProduct", { id: "7", description: "4K" }),
    run("updateProduct", { id: "7", name: "Écran 4K" }),
    run("discontinueProduct", { id: "7" }),
  ]);
  expect(await rowOf("7")).toEqual({
    id: "7",
    name: "Écran 4K",
    description: "4K",
    price: 1,
    discontinued: true,
  });
});

test("an update that changes nothing does not move the time of change", async () => {
  expect(await run("updateProduct", { id: "7", price: 145_000, name: "Écran" })).toMatchObject({
    product: SCREEN,
  });
  expect(await updatedAt("7")).toBe(UNCHANGED);
});

test("a product goes off sale once", async () => {
  const gone = { __typename: "ProductDiscontinued", product: { ...SCREEN, discontinued: true } };
  expect(await run("discontinueProduct", { id: "7" })).toEqual(gone);
  const first = await updatedAt("7");
  expect(first).not.toBe(UNCHANGED);
  expect(await run("discontinueProduct", { id: "7" })).toEqual(gone);
  expect(await updatedAt("7")).toBe(first);
});

test.each([
  ["unknown", "31415926", "31415926"],
  ["empty", "", ""],
  ["of another kind", "dakar:1", "dakar:1"],
  ["with a NUL", "7\0", "7\0"],
  ["of nearly a megabyte", "7".repeat(900_000), `${"7".repeat(100)}…`],
])("an id that is %s is an unknown product", async (_what, id, productId) => {
  const unknown = { __typename: "UnknownProduct", message: `There is no product "${productId}".`, productId };
  expect(await run("updateProduct", { id, price: 1 })).toEqual(unknown);
  expect(await run("discontinueProduct", { id })).toEqual(unknown);
});
