/**
 * Goal: what a gateway keeps of the catalog shows every change, also one that no service made. Method: the
 * whole graph over a real server, and writes past all services.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Graph, startGraph } from "./harness/graph.ts";

/** Entries end after 60 s by themselves. */
const LIMIT = { timeout: 30_000 };

let graph: Graph;
beforeAll(async () => {
  graph = await startGraph({ cacheBytesMax: 1_000_000 });
});
afterAll(() => graph.close());

const ONE = `{ product(id: "101") { name price } }`;
const ALSO_ONE = `{ product(id: "101") { price } }`;
const LIST = `{ products(first: 100) { edges { node { id name } } } }`;

/** Asks until the catalog is not asked: the answer is kept, and the feed has proven that it may be used. */
async function untilKept(query: string) {
  for (;;) {
    graph.forget();
    const { data } = await graph.query(query);
    if (graph.requests.length === 0) return data;
  }
}

test("a change by psql is seen in the entity, and a new row in the list", LIMIT, async () => {
  expect((await untilKept(ONE)).product.price).not.toBe(7);
  const { length } = (await untilKept(LIST)).products.edges;
  await graph.catalogSql`update product set price = 7 where id = '101'`;
  while ((await graph.query(ONE)).data.product.price !== 7);
  await graph.catalogSql`insert into product (name, description, price) values ('Of no service', '', 1)`;
  while ((await graph.query(LIST)).data.products.edges.length === length);
  // And both are kept again.
  expect((await untilKept(ONE)).product.price).toBe(7);
  expect((await untilKept(LIST)).products.edges).toHaveLength(length + 1);
});

test("fifty clients who ask at once for an outdated entry cause one query", LIMIT, async () => {
  await untilKept(ONE);
  await untilKept(ALSO_ONE);
  await graph.catalogSql`update product set price = 8 where id = '101'`;
  // The gateway has heard of the change. Of the first entry nobody has asked since.
  while ((await graph.query(ALSO_ONE)).data.product.price !== 8);
  graph.forget();
  const answers = await Promise.all(Array.from({ length: 50 }, () => graph.query(ONE)));
  expect(new Set(answers.map(({ data }) => data.product.price))).toEqual(new Set([8]));
  expect(graph.statements.catalog!.filter((text) => text.includes("from product "))).toHaveLength(1);
});
