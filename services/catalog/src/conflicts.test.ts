/**
 * Conflicts in the graph: how they come, what they tell, and how a person ends them. The other node is a row
 * in the log, applied as a replication worker does it.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { startTestCatalog, type TestCatalog } from "./testing.ts";

let catalog: TestCatalog;
let sequence = 0;

beforeAll(async () => {
  catalog = await startTestCatalog();
  await catalog.sql`insert into known_node values ('thies')`;
});
afterAll(() => catalog?.close());
beforeEach(async () => {
  await catalog.sql`truncate product, supplier`;
  await catalog.sql`insert into product (id, name, description, price) values ('7', 'Écran', 'HD', 100), ('8', 'Clavier', '', 50)`;
  await catalog.sql`insert into supplier (id, name, email) values ('1', 'Ndiaye', 'n@x.sn')`;
});

interface Applied {
  entity?: string;
  id?: string;
  kind?: string;
  patch: object;
  strategies: object;
}

/** What a node wrote that had seen the row's creation and nothing else. Returns its id. */
async function applyOfThies({ entity = "Product", id = "7", kind = "EDIT", patch, strategies }: Applied) {
  sequence++;
  await catalog.sql.begin(async (sql) => {
    await sql`set local session_replication_role to replica`;
    await sql`
      insert into operation
        select 'thies', ${sequence}, ${entity}, ${id}, ${kind}, ${JSON.stringify(patch)}::text::jsonb,
          (select max(clock) + 1 from operation), jsonb_build_object('catalog', min(sequence)),
          ${JSON.stringify(strategies)}::text::jsonb, 1, '2026-02-01T10:00:00Z'
        from operation where entity = ${entity} and id = ${id}`;
  });
  return `thies:${sequence}`;
}

async function ask(query: string, variables: Record<string, unknown> = {}) {
  const { data, errors } = await catalog.ask(query, variables);
  expect(errors).toBeUndefined();
  return data as Record<string, unknown>;
}

const CONFLICT = `id field base strategy status reason resolvedAt
  winner { id value node at } losers { id value node at } product { id } supplier { id }`;

async function conflictsOf(id: string) {
  return (await ask(`query ($id: ID!) { product(id: $id) { name conflicts { ${CONFLICT} } } }`, { id }))
    .product as {
    name: string;
    conflicts: { id: string; status: string; losers: { value: string }[] }[];
  };
}

async function resolve(input: Record<string, unknown>) {
  const answer = await ask(
    `mutation ($input: ResolveConflictInput!) { resolveConflict(input: $input) { __typename
      ... on ConflictResolved { conflict { id status } } ... on Failure { message }
      ... on ConflictEndedOtherwise { conflict { id status } } ... on ConflictVersionGone { conflict { id } }
      ... on UnknownConflict { conflictId } ... on ProductNameTaken { product { id } } } }`,
    { input },
  );
  return answer.resolveConflict as Record<string, never>;
}

/** Two nodes rename product 7. */
async function renameAtBoth() {
  await catalog.sql`update product set name = 'Moniteur' where id = '7'`;
  const other = await applyOfThies({ patch: { name: "Grand écran" }, strategies: { name: "MANUAL" } });
  return { other, conflict: (await conflictsOf("7")).conflicts[0]! };
}

test("two names given at once: the first stays, and the conflict tells both and waits for a person", async () => {
  const { other, conflict } = await renameAtBoth();
  expect(await conflictsOf("7")).toEqual({
    name: "Moniteur",
    conflicts: [
      {
        id: expect.stringMatching(/^Product:7:name:catalog:[0-9]+$/),
        field: "name",
        base: "Écran",
        strategy: "MANUAL",
        status: "OPEN",
        reason:
          'What was there first stays until a person chooses: "Moniteur" of catalog. Without knowing of it, thies wrote "Grand écran".',
        resolvedAt: null,
        winner: {
          id: expect.stringMatching(/^catalog:/),
          value: "Moniteur",
          node: "catalog",
          at: expect.any(String),
        },
        losers: [{ id: other, value: "Grand écran", node: "thies", at: "2026-02-01T10:00:00.000Z" }],
        product: { id: "7" },
        supplier: null,
      },
    ],
  });
  const { conflicts } = await ask(`{ conflicts(status: OPEN) { id } }`);
  expect(conflicts).toEqual([{ id: conflict.id }]);
  expect((await ask(`{ conflicts(status: RESOLVED) { id } }`)).conflicts).toEqual([]);
});

test.each([
  ["the node", () => ({ chosenVersion: "thies" }), "Grand écran"],
  ["the version", (other: string) => ({ choose: other }), "Grand écran"],
  ["the node whose value it is already", () => ({ chosenVersion: "catalog" }), "Moniteur"],
  ["another value", () => ({ value: "  Écran 4K " }), "Écran 4K"],
])("a person chooses by %s, and may say so again", async (_what, choice, name) => {
  const { other, conflict } = await renameAtBoth();
  const resolved = { __typename: "ConflictResolved", conflict: { id: conflict.id, status: "RESOLVED" } };
  expect(await resolve({ id: conflict.id, ...choice(other) })).toEqual(resolved);
  expect(await resolve({ id: conflict.id, ...choice(other) })).toEqual(resolved);
  expect(await conflictsOf("7")).toMatchObject({ name, conflicts: [{ status: "RESOLVED" }] });
  const { product } = await ask(
    `{ product(id: "7") { history(first: 2) { kind node fields { field value } } } }`,
  );
  expect(product).toMatchObject({
    history: [{ kind: "RESOLUTION", node: "catalog", fields: [{ field: "name", value: name }] }, {}],
  });
});

test("any change that takes part in a conflict names it", async () => {
  const { other, conflict } = await renameAtBoth();
  expect(await resolve({ id: `Product:7:name:${other}`, chosenVersion: "thies" })).toMatchObject({
    __typename: "ConflictResolved",
    conflict: { id: conflict.id },
  });
});

test("a choice after another one, or after an edit, changes nothing", async () => {
  const first = (await renameAtBoth()).conflict;
  await resolve({ id: first.id, chosenVersion: "thies" });
  expect(await resolve({ id: first.id, chosenVersion: "catalog" })).toEqual({
    __typename: "ConflictEndedOtherwise",
    message: "Another value has followed since.",
    conflict: { id: first.id, status: "RESOLVED" },
  });
  expect((await conflictsOf("7")).name).toBe("Grand écran");
});

test("an edit by somebody who sees both values supersedes an open conflict", async () => {
  const { conflict } = await renameAtBoth();
  await catalog.sql`update product set name = 'Autre' where id = '7'`;
  expect((await conflictsOf("7")).conflicts).toMatchObject([{ status: "SUPERSEDED" }]);
  expect(await resolve({ id: conflict.id, chosenVersion: "thies" })).toMatchObject({
    __typename: "ConflictEndedOtherwise",
    conflict: { status: "SUPERSEDED" },
  });
});

test("choices that cannot be: no conflict, no version, a name that is taken", async () => {
  const { conflict } = await renameAtBoth();
  for (const id of ["", "x", "Product:7:name:mbour:1", "Product:7:price:thies:1", "x".repeat(900)])
    expect(await resolve({ id, chosenVersion: "thies" })).toMatchObject({ __typename: "UnknownConflict" });
  expect(await resolve({ id: conflict.id, chosenVersion: "mbour" })).toMatchObject({
    __typename: "ConflictVersionGone",
    message: "The conflict has no such version.",
  });
  expect(await resolve({ id: conflict.id, value: "CLAVIER" })).toMatchObject({
    __typename: "ProductNameTaken",
    product: { id: "8" },
  });
  expect((await conflictsOf("7")).conflicts).toMatchObject([{ status: "OPEN" }]);
});

test.each([
  [{}, "input"],
  [{ choose: "thies:1", value: "x" }, "input"],
  [{ value: "" }, "input.value"],
  [{ value: "a\nb" }, "input.value"],
])("the choice %j is refused", async (choice, field) => {
  const { conflict } = await renameAtBoth();
  const { errors } = await catalog.ask(
    "mutation ($input: ResolveConflictInput!) { resolveConflict(input: $input) { __typename } }",
    { input: { id: conflict.id, ...choice } },
  );
  expect(errors).toMatchObject([{ extensions: { code: "BAD_USER_INPUT", field } }]);
});

test("a price goes by its resolver, and a person may choose the other one after all", async () => {
  await catalog.sql`update product set price = 90 where id = '7'`;
  await applyOfThies({ patch: { price: 120 }, strategies: { price: "custom:lowest_price@1" } });
  const [conflict] = (await conflictsOf("7")).conflicts;
  expect(conflict).toMatchObject({
    base: "100",
    winner: { value: "90", node: "catalog" },
    losers: [{ value: "120", node: "thies" }],
    status: "SETTLED",
    reason:
      'The resolver lowest_price@1 has chosen: "90" of catalog. Without knowing of it, thies wrote "120".',
  });
  expect(await resolve({ id: conflict!.id, chosenVersion: "thies" })).toMatchObject({
    __typename: "ConflictResolved",
  });
  expect((await ask(`{ product(id: "7") { price } }`)).product).toEqual({ price: 120 });
});

test("an e-mail and a phone given at once are both kept; two phones are a conflict", async () => {
  const query = `{ supplier(id: "1") { email phone deliveries conflicts { field winner { value } losers { value node } strategy supplier { id } product { id } } } }`;
  await catalog.sql`update supplier set email = 'new@x.sn', deliveries = deliveries + 2 where id = '1'`;
  const of = { entity: "Supplier", id: "1" };
  await applyOfThies({ ...of, patch: { phone: "77" }, strategies: { contact: "FIELD_WISE" } });
  await applyOfThies({ ...of, patch: { deliveries: 5 }, strategies: { deliveries: "ADD" } });
  expect((await ask(query)).supplier).toEqual({
    email: "new@x.sn",
    phone: "77",
    deliveries: 7,
    conflicts: [],
  });
  await catalog.sql`update supplier set phone = '33' where id = '1'`;
  await applyOfThies({ ...of, patch: { phone: "78" }, strategies: { contact: "FIELD_WISE" } });
  expect((await ask(query)).supplier).toMatchObject({
    phone: "78",
    conflicts: [
      {
        field: "phone",
        winner: { value: "78" },
        losers: [{ value: "33", node: "catalog" }],
        strategy: "FIELD_WISE",
        supplier: { id: "1" },
        product: null,
      },
    ],
  });
});

test("an edit brings back a supplier that was deleted beside it, and the deletion is told", async () => {
  await catalog.sql`delete from supplier where id = '1'`;
  expect((await ask(`{ supplier(id: "1") { id } }`)).supplier).toBeNull();
  await applyOfThies({
    entity: "Supplier",
    id: "1",
    patch: { phone: "77" },
    strategies: { contact: "FIELD_WISE" },
  });
  const { supplier } = await ask(
    `{ supplier(id: "1") { name email phone conflicts { id field strategy losers { node value } } } }`,
  );
  const { id } = (supplier as { conflicts: { id: string }[] }).conflicts[0]!;
  expect(supplier).toEqual({
    name: "Ndiaye",
    email: "n@x.sn",
    phone: "77",
    conflicts: [
      { id, field: "deleted", strategy: "EDIT_WINS", losers: [{ node: "catalog", value: "true" }] },
    ],
  });
  expect(await resolve({ id, chosenVersion: "catalog" })).toMatchObject({
    __typename: "ConflictVersionGone",
    message: "Delete the supplier with deleteSupplier.",
  });
});

test("products created with one name at two nodes both stay, until one is renamed", async () => {
  await applyOfThies({ id: "8", patch: { name: "ecran" }, strategies: { name: "MANUAL" } });
  const { conflicts } = (await conflictsOf("8")) as { conflicts: { id: string }[] };
  expect(conflicts).toMatchObject([
    {
      field: "name",
      strategy: "UNIQUE_NAME",
      status: "OPEN",
      winner: { value: "Écran" },
      losers: [{ value: "ecran" }],
    },
  ]);
  expect(await resolve({ id: conflicts[0]!.id, chosenVersion: "thies" })).toMatchObject({
    __typename: "ConflictVersionGone",
    message: "Rename one of the products with updateProduct.",
  });
  await catalog.sql`update product set name = 'Petit écran' where id = '7'`;
  expect((await conflictsOf("8")).conflicts).toEqual([]);
});

test("a page of products with suppliers, histories and conflicts is one statement each", async () => {
  await catalog.sql`update product set supplier_id = '1'`;
  await renameAtBoth();
  catalog.takeStatements();
  await ask(
    `{ products { edges { node { supplier { name conflicts { id } } history(first: 3) { id } conflicts { id } } } } }`,
  );
  // The driver asks for types on each new connection.
  const statements = catalog.takeStatements().filter((text) => !text.includes("pg_type"));
  expect(
    statements
      .map((text) => / from (?:unnest.* )?(product|supplier|conflict|operation) /.exec(text)?.[1])
      .sort(),
  ).toEqual(["conflict", "conflict", "operation", "product", "supplier"]);
});
