/** The SQL of the migrations, on an in-process PostgreSQL. */
import type { PGlite } from "@electric-sql/pglite";
import { applySqlFiles } from "@teranga/kit/postgres/migrate.ts";
import { normalise } from "@teranga/kit/topology/partition.ts";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openEmptyCluster } from "../../../kit/test/kept-cluster.ts";
import { CATALOG_FILES } from "./database.ts";

let database: PGlite;

beforeAll(async () => {
  database = await openEmptyCluster();
  const target = { exec: async (script: string) => (await database.exec(script)).at(-1) ?? { rows: [] } };
  await applySqlFiles(target, CATALOG_FILES);
  // A second start finds nothing to do.
  await applySqlFiles(target, CATALOG_FILES);
});
afterAll(() => database.close());

async function values(query: string, parameters: unknown[]): Promise<unknown[]> {
  const { rows } = await database.query<unknown[]>(query, parameters, { rowMode: "array" });
  return rows.map(([value]) => value);
}

/**
 * Not compared: NUL and lone surrogates, which PostgreSQL cannot store; the byte order mark, which the
 * in-process database drops from its input; capitals that are new in Unicode 17, which PostgreSQL 18 (Unicode
 * 16) does not know.
 */
const NOT_COMPARED = /[\0\ufeff\ua7ce\ua7d2\ua7d4\u{16ea0}-\u{16eb8}\p{Surrogate}]/u;

/** Letters that people write, letters that normalisation treats specially, and any others. */
const letters = fc.oneof(
  fc.constantFrom(..."aàâäAÉèêëïÎôöùûüçÇñŋɓƴœŒßİıΣςσ -'’\u00a0\t\n\u0301\u0327"),
  fc.string({ unit: "binary", minLength: 1, maxLength: 1 }).filter((letter) => !NOT_COMPARED.test(letter)),
);

async function expectSameInSql(texts: string[]): Promise<void> {
  const query = "select normalise(value) from unnest($1::text[]) with ordinality as t (value, n) order by n";
  expect(await values(query, [texts])).toEqual(texts.map(normalise));
}

test("normalise is the same in SQL as in TypeScript, for any text", async () => {
  const texts = fc.array(fc.string({ unit: letters, maxLength: 30 }), { minLength: 50, maxLength: 50 });
  await fc.assert(fc.asyncProperty(texts, expectSameInSql), { numRuns: 60 });
});

test("normalise is the same in SQL as in TypeScript, for each letter of the basic plane", async () => {
  const plane = Array.from({ length: 0xffff }, (_, index) => `a${String.fromCharCode(index + 1)}b`);
  await expectSameInSql(plane.filter((text) => !NOT_COMPARED.test(text)));
});

test("a change of any column is an operation with its new value, and of no other", async () => {
  await database.exec(`
    insert into product (id, name, description, price) values ('each', 'Each', '', 1);
    insert into supplier (id, name) values ('each', 'Each')`);
  const others = {
    deliveries: "5",
    discontinued: "true",
    price: "2",
    tags: "array['a']",
    created_at: "'2026-01-02T00:00:00Z'",
  };
  const units = await values(
    "select jsonb_build_array(entity, field) from merge_unit cross join unnest(columns) as field order by 1",
    [],
  );
  for (const [entity, field] of units as [string, string][]) {
    const value = others[field as keyof typeof others] ?? "'other'";
    // A key and its digest are there together.
    const also = field === "creation_key" ? ", creation_hash = 'other'" : "";
    if (field === "creation_hash") continue;
    await database.exec(`update ${entity} set ${field} = ${value}${also} where id = 'each'`);
    const [patch] = await values("select patch from operation order by sequence desc limit 1", []);
    const expected = {
      deliveries: 5,
      discontinued: true,
      price: 2,
      tags: { add: ["a"], remove: [] },
      created_at: "2026-01-02T00:00:00+00:00",
    };
    expect(patch).toEqual({
      [field]: expected[field as keyof typeof expected] ?? "other",
      ...(also && { creation_hash: "other" }),
    });
  }
  await database.exec("delete from product; delete from supplier");
});

test("many products in one statement are each found by keys, in tables that were never analysed", async () => {
  await database.exec(`begin;
    insert into product (name, description, price) select 'Tissu ' || n, '', 1 from generate_series(1, 200) as n`);
  const read = await values(
    "select relname from pg_stat_xact_user_tables where relname <> 'this_node' and seq_tup_read > 2000",
    [],
  );
  await database.exec("rollback");
  expect(read).toEqual([]);
});

/** How many operations one of another node is folded from, after so many edits here that it has not seen. */
async function readToFold(edits: number): Promise<number> {
  await database.exec(`begin;
    insert into product (id, name, description, price) values ('hot', 'Hot', '', 1);
    insert into known_node values ('b');
    create temp table creation on commit drop as select seen, clock, (select max(sequence) from operation) as sequence
      from entity_state where id = 'hot';
    do $$ begin for n in 1..${edits} loop update product set price = 100 + n where id = 'hot'; end loop; end $$;
    set local session_replication_role = replica;`);
  const arrive = async (sequence: number): Promise<number> => {
    const read = "select idx_tup_fetch from pg_stat_xact_user_tables where relname = 'operation'";
    const [before] = (await values(read, [])) as [number];
    await database.exec(`
      insert into operation select 'b', ${sequence}, 'Product', 'hot', 'EDIT', '{"price": 99}', clock + ${sequence},
        jsonb_build_object('catalog', sequence, 'b', ${sequence - 1}), '{"price": "custom:lowest_price@1"}', 1, now()
        from creation;
      set constraints all immediate`);
    const [after] = (await values(read, [])) as [number];
    return after - before;
  };
  await arrive(1);
  await arrive(2);
  const read = await arrive(3);
  // What follows here belongs to the round too, once an edit comes that does not know it.
  await database.exec(`
    set local session_replication_role = origin;
    update product set price = 5000 where id = 'hot';
    set local session_replication_role = replica`);
  await arrive(4);
  const [price] = await values("select price from product where id = 'hot'", []);
  const [losers] = await values("select losers from conflict where id = 'hot'", []);
  await database.exec("rollback");
  expect([price, losers]).toMatchObject([99, [{ value: 5_000 }]]);
  expect(read).toBeGreaterThan(0);
  return read;
}

test("a row that two nodes never stop editing is folded by what decides its round", async () => {
  expect(await readToFold(300)).toBe(await readToFold(30));
});

test.each([
  [
    "an empty name",
    "insert into product (name, description, price) values ('', '', 1)",
    "product_name_length",
  ],
  [
    "a long name",
    "insert into product (name, description, price) values (repeat('a', 201), '', 1)",
    "product_name_length",
  ],
  [
    "a long description",
    "insert into product (name, description, price) values ('a', repeat('a', 2001), 1)",
    "product_description_length",
  ],
  [
    "a price of zero",
    "insert into product (name, description, price) values ('a', '', 0)",
    "product_price_range",
  ],
  [
    "a price above the limit",
    "insert into product (name, description, price) values ('a', '', 1000000001)",
    "product_price_range",
  ],
  [
    "a long id",
    "insert into product (id, name, description, price) values (repeat('1', 101), 'a', '', 1)",
    "product_id_length",
  ],
])("the table refuses %s", async (_what, statement, constraint) => {
  await expect(database.exec(statement)).rejects.toMatchObject({ constraint });
});

test("the longest names of letters that decompose fit the index of names", async () => {
  const name = "각".repeat(200);
  await database.query("insert into product (name, description, price) values ($1, '', 1)", [name]);
  expect(await values("select name_key from product where name = $1", [name])).toEqual([normalise(name)]);
  await expect(
    database.query("insert into product (name, description, price) values ($1, '', 1)", [
      name.normalize("NFD").slice(0, 200),
    ]),
  ).resolves.toBeDefined();
  await expect(
    database.query("insert into product (name, description, price) values ($1, '', 2)", [name]),
  ).rejects.toMatchObject({ constraint: "product_name_unique" });
});
