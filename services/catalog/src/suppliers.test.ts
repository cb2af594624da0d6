/** Suppliers and tags through the endpoint. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { startTestCatalog, type TestCatalog } from "./testing.ts";

let catalog: TestCatalog;

beforeAll(async () => {
  catalog = await startTestCatalog();
});
afterAll(() => catalog?.close());
beforeEach(async () => {
  await catalog.sql`truncate product, supplier`;
  await catalog.sql`insert into product (id, name, description, price) values ('7', 'Écran', 'HD', 100)`;
  await catalog.sql`insert into supplier (id, name, email) values ('s1', 'Ndiaye', 'n@x.sn')`;
});

const SUPPLIER = "supplier { id name email phone deliveries }";
const MUTATIONS = {
  createSupplier: `mutation ($input: CreateSupplierInput!) { createSupplier(input: $input) { __typename
    ... on SupplierCreated { ${SUPPLIER} } ... on SupplierKeyReused { message ${SUPPLIER} } } }`,
  updateSupplier: `mutation ($input: UpdateSupplierInput!) { updateSupplier(input: $input) { __typename
    ... on SupplierUpdated { ${SUPPLIER} } ... on UnknownSupplier { message supplierId } } }`,
  deleteSupplier: `mutation ($input: DeleteSupplierInput!) { deleteSupplier(input: $input) { __typename
    ... on SupplierDeleted { supplierId } ... on UnknownSupplier { message supplierId } } }`,
  recordDeliveries: `mutation ($input: RecordDeliveriesInput!) { recordDeliveries(input: $input) { __typename
    ... on DeliveriesRecorded { ${SUPPLIER} } ... on DeliveriesKeyReused { message } ... on UnknownSupplier { supplierId } } }`,
  updateProduct: `mutation ($input: UpdateProductInput!) { updateProduct(input: $input) { __typename
    ... on ProductUpdated { product { tags supplier { id } } } ... on UnknownSupplier { supplierId } } }`,
};

const send = (mutation: keyof typeof MUTATIONS, input: Record<string, unknown>) =>
  catalog.ask(MUTATIONS[mutation], { input });

async function run(mutation: keyof typeof MUTATIONS, input: Record<string, unknown>): Promise<unknown> {
  const { data, errors } = await send(mutation, input);
  expect(errors).toBeUndefined();
  return data![mutation];
}

const SEYDI = { name: "Seydi", email: "s@x.sn", phone: "+221 77 123 45 67" };

test("a supplier is created once a key, also at the same time", async () => {
  const input = { ...SEYDI, idempotencyKey: "k" };
  const answers = await Promise.all(Array.from({ length: 5 }, () => run("createSupplier", input)));
  for (const answer of answers) expect(answer).toEqual(answers[0]);
  expect(answers[0]).toMatchObject({ __typename: "SupplierCreated", supplier: { ...SEYDI, deliveries: 0 } });
  expect(await catalog.sql`select from supplier`).toHaveLength(2);
  expect(await run("createSupplier", { ...input, phone: "33" })).toMatchObject({
    __typename: "SupplierKeyReused",
    supplier: SEYDI,
  });
});

test("an update changes what is given; a supplier goes once", async () => {
  expect(await run("updateSupplier", { id: "s1", phone: "33", email: null })).toEqual({
    __typename: "SupplierUpdated",
    supplier: { id: "s1", name: "Ndiaye", email: "n@x.sn", phone: "33", deliveries: 0 },
  });
  const unknown = { __typename: "UnknownSupplier", message: 'There is no supplier "s1".', supplierId: "s1" };
  expect(await run("deleteSupplier", { id: "s1" })).toEqual({
    __typename: "SupplierDeleted",
    supplierId: "s1",
  });
  expect(await run("deleteSupplier", { id: "s1" })).toEqual(unknown);
  expect(await run("updateSupplier", { id: "s1", name: "x" })).toEqual(unknown);
});

test("deliveries are counted once a key, also at the same time", async () => {
  const once = { supplierId: "s1", count: 3, idempotencyKey: "k" };
  const answers = await Promise.all(Array.from({ length: 5 }, () => run("recordDeliveries", once)));
  for (const answer of answers)
    expect(answer).toMatchObject({ __typename: "DeliveriesRecorded", supplier: { deliveries: 3 } });
  expect(await run("recordDeliveries", { supplierId: "s1", count: 2 })).toMatchObject({
    supplier: { deliveries: 5 },
  });
  expect(await run("recordDeliveries", { ...once, count: 4 })).toEqual({
    __typename: "DeliveriesKeyReused",
    message: "The idempotency key stands for another number of deliveries.",
  });
  expect(await run("recordDeliveries", { ...once, supplierId: "\0" })).toMatchObject({
    __typename: "UnknownSupplier",
  });
  const { data } = await catalog.ask(
    `{ supplier(id: "s1") { deliveries history { kind fields { field value } } } }`,
  );
  expect(data).toMatchObject({
    supplier: {
      deliveries: 5,
      history: [
        { kind: "EDIT", fields: [{ field: "deliveries", value: "2" }] },
        { kind: "EDIT", fields: [{ field: "deliveries", value: "3" }] },
        { kind: "CREATE" },
      ],
    },
  });
});

test("a product gets and loses tags, and has a supplier until that is deleted", async () => {
  const updated = (tags: string[], supplier: object | null) => ({
    __typename: "ProductUpdated",
    product: { tags, supplier },
  });
  expect(await run("updateProduct", { id: "7", tagsToAdd: ["b", " a ", "b"], supplierId: "s1" })).toEqual(
    updated(["a", "b"], { id: "s1" }),
  );
  expect(await run("updateProduct", { id: "7", tagsToAdd: ["c"], tagsToRemove: ["a", "z"] })).toEqual(
    updated(["b", "c"], { id: "s1" }),
  );
  expect(await run("updateProduct", { id: "7", supplierId: "9" })).toEqual({
    __typename: "UnknownSupplier",
    supplierId: "9",
  });
  await run("deleteSupplier", { id: "s1" });
  expect(await run("updateProduct", { id: "7", tagsToRemove: ["b"] })).toEqual(updated(["c"], null));
});

test("a product has 50 tags at most", async () => {
  const twenty = (first: number) => Array.from({ length: 20 }, (_, index) => `tag ${first + index}`);
  await run("updateProduct", { id: "7", tagsToAdd: twenty(100) });
  await run("updateProduct", { id: "7", tagsToAdd: twenty(120) });
  const { errors } = await send("updateProduct", { id: "7", tagsToAdd: twenty(140) });
  expect(errors).toMatchObject([
    {
      extensions: { code: "BAD_USER_INPUT", field: "input.tagsToAdd" },
      message: expect.stringContaining("50 tags"),
    },
  ]);
});

test.each([
  ["createSupplier", { name: " " }, "input.name"],
  ["createSupplier", { name: "x", email: "nobody" }, "input.email"],
  ["createSupplier", { name: "x", phone: "call me" }, "input.phone"],
  ["updateSupplier", { id: "s1", email: `${"x".repeat(200)}@x` }, "input.email"],
  ["recordDeliveries", { supplierId: "s1", count: 0 }, "input.count"],
  ["recordDeliveries", { supplierId: "s1", count: 1_000_001 }, "input.count"],
  ["updateProduct", { id: "7", tagsToAdd: [""] }, "input.tagsToAdd.0"],
  ["updateProduct", { id: "7", tagsToAdd: Array.from({ length: 21 }, String) }, "input.tagsToAdd"],
  ["updateProduct", { id: "7", tagsToRemove: ["x".repeat(51)] }, "input.tagsToRemove.0"],
] as const)("%s refuses %j", async (mutation, input, field) => {
  const { errors } = await send(mutation, input);
  expect(errors).toMatchObject([{ extensions: { code: "BAD_USER_INPUT", field } }]);
});
