/** A catalog lets the oldest operations of a row go, and nobody who asks for what they did notices. */
import { expect, test, vi } from "vitest";
import { useTwoNodes } from "./merge/testing.ts";

const { sql, ask, send, applyOfThies, resolve, renameAtBoth, conflictsOf } = useTwoNodes();
const SOON = { timeout: 20_000, interval: 50 };

const inLog = async (id: string) =>
  (await sql`select count(*)::int as count from operation where id = ${id}`)[0]!.count as number;

test("the newest 50 changes stay in the history, and it says that older ones have gone", async () => {
  const history = async () =>
    (await ask(`{ product(id: "7") { price historyIsWhole history(first: 100) { fields { value } } } }`))
      .product;
  await sql`update product set price = 101 where id = '7'`;
  expect(await history()).toMatchObject({ price: 101, historyIsWhole: true, history: [{}, {}] });
  await sql`
    do $$ begin for p in 102..220 loop update product set price = p where id = '7'; end loop; end $$`;
  await vi.waitFor(async () => expect(await inLog("7")).toBe(50), SOON);
  expect(await history()).toMatchObject({ price: 220, historyIsWhole: false, history: { length: 50 } });
});

test("deliveries whose operation has gone are counted once a key", async () => {
  const record = async (count: number, idempotencyKey: string | null) =>
    (
      (await send(
        `mutation ($input: RecordDeliveriesInput!) { recordDeliveries(input: $input) { __typename
          ... on DeliveriesRecorded { supplier { deliveries } } } }`,
        { input: { supplierId: "1", count, idempotencyKey } },
      )) as { data: { recordDeliveries: object } }
    ).data.recordDeliveries;
  await record(3, "k");
  await sql`select record_deliveries('1', 1, null) from generate_series(1, 110)`;
  await vi.waitFor(async () => expect(await inLog("1")).toBe(50), SOON);
  expect(await record(3, "k")).toEqual({ __typename: "DeliveriesRecorded", supplier: { deliveries: 113 } });
  expect(await record(4, "k")).toEqual({ __typename: "DeliveriesKeyReused" });
  expect(await record(4, null)).toMatchObject({ supplier: { deliveries: 117 } });
});

test("a conflict stays although its changes have gone; the same choice again changes nothing", async () => {
  const { other, conflict } = await renameAtBoth();
  await resolve({ id: conflict.id, chosenVersion: "thies" });
  await sql`
    do $$ begin for p in 1..110 loop update product set price = p where id = '7'; end loop; end $$`;
  await vi.waitFor(async () => expect(await inLog("7")).toBe(50), SOON);
  expect(await conflictsOf("7")).toMatchObject({
    name: "Grand écran",
    conflicts: [{ id: conflict.id, status: "RESOLVED", losers: [{ id: other, value: "Grand écran" }] }],
  });
  const same = { __typename: "ConflictResolved", conflict: { id: conflict.id } };
  expect(await resolve({ id: `Product:7:name:${other}`, chosenVersion: "thies" })).toMatchObject(same);
  expect(await resolve({ id: conflict.id, chosenVersion: "catalog" })).toMatchObject({
    __typename: "ConflictEndedOtherwise",
  });
  // Its last name was given by a change that has gone.
  await sql`update product set name = 'Clavier 2' where id = '8'`;
  expect(await ask(`{ conflicts(status: OPEN) { id } }`)).toEqual({ conflicts: [] });
});

test("a round goes as a whole: one of its changes is not known to all, so none goes", async () => {
  await sql`update supplier set name = 'Seydi' where id = '1'`;
  const of = { entity: "Supplier", id: "1" };
  await applyOfThies({ ...of, patch: { name: "Fall" }, strategies: { name: "LATEST" } });
  // Another node has all but what thies wrote.
  const [{ gone }] = (await sql`
    select compact_row('Supplier', '1', array(select seen - 'thies' from entity_state where id = '1'), 0) as gone
  `) as unknown as [{ gone: number }];
  expect(gone).toBe(1);
  expect(await inLog("1")).toBe(2);
});
