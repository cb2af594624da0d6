/**
 * Wrong values in every input: each gets a coded error that names the field, at once, and nothing changes.
 */
import { encodeCursor } from "@teranga/kit/graphql/connection.ts";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { startTestCatalog, type TestCatalog } from "./testing.ts";

let catalog: TestCatalog;
const rows = () => catalog.sql`select * from product order by id`;
let before: unknown;

beforeAll(async () => {
  catalog = await startTestCatalog();
  await catalog.sql`insert into product (id, name, description, price) values ('7', 'Écran', '', 145000)`;
  before = [...(await rows())];
});
afterAll(() => catalog?.close());
afterEach(async () => {
  expect([...(await rows())]).toEqual(before);
});

const MEGABYTE = "é".repeat(450_000);
/** Far more than any refusal takes, and far less than a second. */
const REFUSAL_LIMIT_MS = 500;

/** Asks, and expects no data, one error with this field, and no SQL statement. */
async function expectRefused(
  query: string,
  variables: Record<string, unknown>,
  field: string,
): Promise<void> {
  catalog.takeStatements();
  const startMs = performance.now();
  const { data, errors } = await catalog.ask(query, variables);
  expect(performance.now() - startMs).toBeLessThan(REFUSAL_LIMIT_MS);
  // A request refused before execution has no data. If the resolver refuses, its field is null.
  expect(Object.values(data ?? {}).filter((value) => value !== null)).toEqual([]);
  expect(errors).toMatchObject([{ extensions: { code: "BAD_USER_INPUT", field } }]);
  expect(errors![0]!.message.length).toBeLessThan(200);
  expect(catalog.takeStatements()).toEqual([]);
}

const BAD_FIELDS: [string, Record<string, unknown>, string][] = [
  ["an empty name", { name: "" }, "name"],
  ["a name of spaces", { name: " \n " }, "name"],
  ["a name without a letter", { name: "- '’ -" }, "name"],
  ["a name of 201 characters", { name: "a".repeat(201) }, "name"],
  ["a name of a megabyte", { name: MEGABYTE }, "name"],
  ["a name with a NUL", { name: "a\0b" }, "name"],
  ["a name with half a character", { name: "a\ud800" }, "name"],
  ["a name of two lines", { name: "a\nb" }, "name"],
  ["a description of 2,001 characters", { description: "a".repeat(2_001) }, "description"],
  ["a description of a megabyte", { description: MEGABYTE }, "description"],
  ["a description with a NUL", { description: "a\0b" }, "description"],
  ["a description with half a character", { description: "a\udc00b" }, "description"],
  ["a price of zero", { price: 0 }, "price"],
  ["a negative price", { price: -1 }, "price"],
  ["a price above the limit", { price: 1_000_000_001 }, "price"],
  ["the largest amount", { price: Number.MAX_SAFE_INTEGER }, "price"],
];

test.each(BAD_FIELDS)("createProduct with %s", async (_what, fields, field) => {
  const query = "mutation ($input: CreateProductInput!) { createProduct(input: $input) { __typename } }";
  await expectRefused(query, { input: { name: "Souris", price: 1, ...fields } }, `input.${field}`);
});

test.each(BAD_FIELDS)("updateProduct with %s", async (_what, fields, field) => {
  const query = "mutation ($input: UpdateProductInput!) { updateProduct(input: $input) { __typename } }";
  await expectRefused(query, { input: { id: "7", ...fields } }, `input.${field}`);
});

const PRODUCTS = `query ($first: Int, $after: String, $filter: ProductFilter, $orderBy: ProductOrder) {
  products(first: $first, after: $after, filter: $filter, orderBy: $orderBy) { totalCount edges { cursor } }
}`;

test.each([
  ["no rows", { first: 0 }, "first"],
  ["a negative number of rows", { first: -1 }, "first"],
  ["ten million rows", { first: 10_000_000 }, "first"],
  ["a search of 101 characters", { filter: { search: "a".repeat(101) } }, "filter.search"],
  ["a search of a megabyte", { filter: { search: MEGABYTE } }, "filter.search"],
  ["a search with a NUL", { filter: { search: "a\0" } }, "filter.search"],
  ["a search with half a character", { filter: { search: "a\ud800" } }, "filter.search"],
])("products with %s", async (_what, variables, field) => {
  await expectRefused(PRODUCTS, variables, field);
});

/** A cursor's parts, each with its end: the ordering, the key with its type, the id. */
const forge = (...parts: string[]) =>
  Buffer.from(parts.map((part) => `${part}\0`).join("")).toString("base64url");

describe("forged and foreign cursors", () => {
  test.each([
    ["that is empty", "ID_ASC", ""],
    ["that is no base64", "ID_ASC", "§§§"],
    ["without an end", "ID_ASC", Buffer.from("ID_ASC").toString("base64url")],
    ["of a megabyte", "ID_ASC", "a".repeat(900_000)],
    ["of another ordering", "ID_ASC", encodeCursor("PRICE_ASC", { key: 1, id: "7" })],
    ["with a text for a number", "PRICE_ASC", forge("PRICE_ASC", "t1", "7")],
    ["with a number beyond 2^53", "PRICE_ASC", forge("PRICE_ASC", "nffffffffffffff", "7")],
    ["with a fraction", "ID_ASC", forge("ID_ASC", "n1.5", "7")],
    ["with a number for a text", "NAME_ASC", encodeCursor("NAME_ASC", { key: 1, id: "7" })],
    ["with a NUL in the key", "NAME_ASC", forge("NAME_ASC", "ta\0", "7")],
    ["with a NUL in the id", "NAME_ASC", forge("NAME_ASC", "ta", "7\0")],
    ["with no time", "CREATED_AT_DESC", forge("CREATED_AT_DESC", "tyesterday", "7")],
    ["of the year 0", "CREATED_AT_DESC", forge("CREATED_AT_DESC", "t0000-01-01T00:00:00Z", "7")],
    ["of February 30", "CREATED_AT_DESC", forge("CREATED_AT_DESC", "t2026-02-30T00:00:00Z", "7")],
    ["without an id", "NAME_ASC", forge("NAME_ASC", "ta")],
    ["with a part too many", "NAME_ASC", forge("NAME_ASC", "ta", "7", "8")],
    ["in the form of before", "ID_ASC", Buffer.from('["ID_ASC",1,"7"]').toString("base64url")],
  ])("a cursor %s", async (_what, orderBy, after) => {
    await expectRefused(PRODUCTS, { orderBy, after }, "after");
  });

  test.each([
    ["ID_ASC", Number.MAX_SAFE_INTEGER],
    ["ID_ASC", Number.MIN_SAFE_INTEGER],
    ["PRICE_DESC", Number.MAX_SAFE_INTEGER],
    ["NAME_ASC", "' or true --"],
    ["NAME_ASC", "\ud800"],
    ["CREATED_AT_DESC", "0001-01-01T00:00:00Z"],
    ["CREATED_AT_DESC", "9999-12-31T23:59:59.999999999Z"],
  ])("a cursor in %s that points nowhere (%s) is a place like any other", async (orderBy, key) => {
    const { data, errors } = await catalog.ask(PRODUCTS, {
      orderBy,
      after: encodeCursor(orderBy, { key, id: "'" }),
    });
    expect(errors).toBeUndefined();
    expect(data).toMatchObject({ products: { totalCount: 1 } });
  });
});

test.each([
  ["an unknown ordering", "{ products(orderBy: DEAREST) { totalCount } }", {}],
  [
    "a price of a fraction",
    'mutation { createProduct(input: { name: "Souris", price: 1.5 }) { __typename } }',
    {},
  ],
  ["a name that is a number", "mutation { createProduct(input: { name: 7, price: 1 }) { __typename } }", {}],
  ["an unknown field of an input", PRODUCTS, { filter: { colour: "red" } }],
  ["a first of a fraction", PRODUCTS, { first: 1.5 }],
  ["an id that is an object", "query ($id: ID!) { product(id: $id) { id } }", { id: {} }],
])("what GraphQL's types refuse: %s", async (_what, query, variables) => {
  catalog.takeStatements();
  const { data, errors } = await catalog.ask(query, variables);
  // A request refused before execution has no data. If the resolver refuses, its field is null.
  expect(Object.values(data ?? {}).filter((value) => value !== null)).toEqual([]);
  expect(["BAD_USER_INPUT", "GRAPHQL_VALIDATION_FAILED"]).toContain(errors![0]!.extensions!.code);
  expect(catalog.takeStatements()).toEqual([]);
});
