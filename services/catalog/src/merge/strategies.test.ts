/** Each strategy in the graph: what becomes of what two nodes write at once, and what its conflict tells. */
import { expect, test } from "vitest";
import { useTwoNodes } from "./testing.ts";

const { sql, applyOfThies, ask, conflictsOf, resolve } = useTwoNodes();

test("a price goes by its resolver, and a person may choose the other one after all", async () => {
  await sql`update product set price = 90 where id = '7'`;
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
  await sql`update supplier set email = 'new@x.sn', deliveries = deliveries + 2 where id = '1'`;
  const of = { entity: "Supplier", id: "1" };
  await applyOfThies({ ...of, patch: { phone: "77" }, strategies: { contact: "FIELD_WISE" } });
  await applyOfThies({ ...of, patch: { deliveries: 5 }, strategies: { deliveries: "ADD" } });
  expect((await ask(query)).supplier).toEqual({
    email: "new@x.sn",
    phone: "77",
    deliveries: 7,
    conflicts: [],
  });
  await sql`update supplier set phone = '33' where id = '1'`;
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

test("the latest of two descriptions stays, and the other one is told", async () => {
  await sql`update product set description = 'Full HD' where id = '7'`;
  await applyOfThies({ patch: { description: "4K" }, strategies: { description: "LATEST" } });
  expect((await conflictsOf("7")).conflicts).toMatchObject([
    {
      field: "description",
      base: "HD",
      winner: { value: "4K", node: "thies" },
      losers: [{ value: "Full HD", node: "catalog" }],
      strategy: "LATEST",
      status: "SETTLED",
      reason: 'The latest value stays: "4K" of thies. Without knowing of it, catalog wrote "Full HD".',
    },
  ]);
});

test("the latest contact stays as its writer saw it, with what was new to it", async () => {
  const of = { entity: "Supplier", id: "1", strategies: { contact: "LATEST" } };
  await sql`update supplier set phone = '33' where id = '1'`;
  await applyOfThies({ ...of, patch: { email: "new@x.sn" } });
  await applyOfThies({ ...of, patch: { phone: "78" }, next: true });
  const query = `{ supplier(id: "1") { email phone conflicts { field losers { value } } } }`;
  expect((await ask(query)).supplier).toEqual({
    email: "new@x.sn",
    phone: "78",
    conflicts: [{ field: "phone", losers: [{ value: "33" }] }],
  });
});

test("tags of both nodes are kept, and a removal beside an addition is told", async () => {
  await sql`update product set tags = '{a,b}' where id = '7'`;
  const strategies = { tags: "UNION" };
  await applyOfThies({ patch: { tags: { add: ["c"], remove: [] } }, strategies });
  const tags = async () => (await ask(`{ product(id: "7") { tags } }`)).product;
  expect(await tags()).toEqual({ tags: ["a", "b", "c"] });
  expect((await conflictsOf("7")).conflicts).toEqual([]);
  await applyOfThies({ patch: { tags: { add: [], remove: ["a"] } }, strategies });
  expect(await tags()).toEqual({ tags: ["a", "b", "c"] });
  const [conflict] = (await conflictsOf("7")).conflicts;
  expect(conflict).toMatchObject({
    strategy: "UNION",
    losers: [{ value: '{"add":[],"remove":["a"]}', node: "thies" }],
  });
  const resolved = { __typename: "ConflictResolved", conflict: { status: "RESOLVED" } };
  for (const choice of [{ chosenVersion: "thies" }, { choose: conflict!.losers[0]!.id }]) {
    expect(await resolve({ id: conflict!.id, ...choice })).toMatchObject(resolved);
    expect(await tags()).toEqual({ tags: ["b", "c"] });
  }
});

test("an addition that did not count may be chosen: it is added to what has won, once", async () => {
  const of = { entity: "Supplier", id: "1" };
  await sql`select record_deliveries('1', 3, null)`;
  await applyOfThies({ ...of, patch: { deliveries: 20 }, strategies: { deliveries: "LATEST" } });
  const deliveries = async () => (await ask(`{ supplier(id: "1") { deliveries } }`)).supplier;
  expect(await deliveries()).toEqual({ deliveries: 20 });
  const query = `{ supplier(id: "1") { conflicts { id losers { value node } } } }`;
  const { supplier } = (await ask(query)) as { supplier: { conflicts: { id: string; losers: object[] }[] } };
  const [conflict] = supplier.conflicts;
  expect(conflict!.losers).toEqual([{ value: "3", node: "catalog" }]);
  for (let turn = 0; turn < 2; turn++) {
    expect(await resolve({ id: conflict!.id, chosenVersion: "catalog" })).toMatchObject({
      __typename: "ConflictResolved",
    });
    expect(await deliveries()).toEqual({ deliveries: 23 });
  }
});

test("who sets a counter has counted what it knew: only what was added beside that is added", async () => {
  const of = { entity: "Supplier", id: "1" };
  await sql`select record_deliveries('1', 3, null)`;
  await applyOfThies({ ...of, patch: { deliveries: 5 }, strategies: { deliveries: "ADD" } });
  await applyOfThies({
    ...of,
    patch: { deliveries: 8 },
    strategies: { deliveries: "FIELD_WISE" },
    next: true,
  });
  expect((await ask(`{ supplier(id: "1") { deliveries } }`)).supplier).toEqual({ deliveries: 11 });
});

test("a product discontinued at one node and edited at another is both; the same value twice is no conflict", async () => {
  await sql`update product set discontinued = true, description = 'Full HD' where id = '7'`;
  await applyOfThies({ patch: { price: 90 }, strategies: { price: "LATEST" } });
  await applyOfThies({ patch: { description: "Full HD" }, strategies: { description: "LATEST" } });
  expect((await ask(`{ product(id: "7") { discontinued price description } }`)).product).toEqual({
    discontinued: true,
    price: 90,
    description: "Full HD",
  });
  expect((await conflictsOf("7")).conflicts).toEqual([]);
});

test("an edit brings back a supplier that was deleted beside it, and the deletion is told", async () => {
  await sql`delete from supplier where id = '1'`;
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
  await sql`update product set name = 'Petit écran' where id = '7'`;
  expect((await conflictsOf("8")).conflicts).toEqual([]);
});
