/**
 * Goal: all parts of an answer together are the answer. Method: operations on three subgraphs. The assembled
 * parts are compared with the answer to the same operation at once.
 */
import fc from "fast-check";
import { parse, validate } from "graphql";
import { expect, test } from "vitest";
import { ask, assembled, deliveriesOf, graph } from "../../fixture/deferred.ts";

/** `TEST_RUNS=1000` is a long run. */
const RUNS = Number(process.env.TEST_RUNS ?? 75);

const OPERATIONS = [
  `{ things { name ... @defer { price } } }`,
  `{ things { name price ... @defer { price weight name } } }`,
  `{ things { name val { x } ... @defer { val { y } reviews { body } } } }`,
  `{ val { x ... @defer { y inner { x ... @defer { y } } } } }`,
  `{ one { name } ... @defer { one { val { x } weight } newest { id body } } }`,
  `{ things { name ... @defer { price ... @defer { weight freight reviews { id ... @defer { body about { name } } } } } } }`,
  `{ things { name freight ... @defer { name ... @defer { freight } } } }`,
  `{ nodes { id ... on Thing @defer { n: name p: price } ... on Box @defer { size thing { ... @defer { weight friend { price } } } } } }`,
  `{ nodes { __typename ... @defer { id ... on Thing { price reviews { about { weight } } } } } }`,
  `{ grid { id ... @defer { price friend { name ... @defer { weight } } } } }`,
  `{ some { id ... @defer { weight friends { name price } } } }`,
  `{ a: one { x: id ...F } b: things { ...F @defer } } fragment F on Thing { y: name z: price ...G @defer } fragment G on Thing { friends { price } }`,
  `{ one { ... @defer { ... @defer { ... @defer { price } } } } }`,
  `{ ... @defer { things { price } ... @defer { one { weight } } } val { x } }`,
  `{ one { id } ... @defer { __schema { queryType { name } } __typename t: __type(name: "Val") { kind } } }`,
  `{ one { friend { name } ... @defer { friend { price } } ... @defer { friend { weight } } } }`,
  `{ things { friends { name ... @defer { friends { price ... @defer { friends { weight } } } } } } }`,
  `{ one { id: name ... @defer { price name: id } } }`,
  `mutation { a: make(name: "Lamp") { id ... @defer { price } } b: make(name: "Chair") { ... @defer { name weight } } }`,
];

async function compare(query: string): Promise<number> {
  const deliveries = await deliveriesOf(query);
  const { data, errors } = await ask(query);
  expect(deliveries.flat().flatMap((delivery) => delivery.errors)).toEqual([]);
  expect(errors).toBeUndefined();
  expect(assembled(deliveries.flat())).toEqual(data);
  return deliveries.length;
}

test.each(OPERATIONS)("%s", async (query) => {
  expect(await compare(query)).toBeGreaterThan(1);
});

/** What can be asked of each type: plain fields, and fields with the type they lead to. */
const TYPES: Record<string, { plain: string[]; to: Record<string, string> }> = {
  Query: {
    plain: ["__typename"],
    to: {
      things: "Thing",
      some: "Thing",
      one: "Thing",
      val: "Val",
      nodes: "Node",
      grid: "Thing",
      newest: "Review",
    },
  },
  Node: { plain: ["id", "__typename"], to: { "... on Thing": "Thing", "... on Box": "Box" } },
  Thing: {
    plain: ["id", "name", "price", "weight", "freight", "cost: price"],
    to: { val: "Val", friend: "Thing", friends: "Thing", reviews: "Review", "... on Node": "Node" },
  },
  Box: { plain: ["id", "size"], to: { thing: "Thing" } },
  Val: { plain: ["x", "y"], to: { inner: "Val" } },
  Review: { plain: ["id", "body"], to: { about: "Thing" } },
};

function selection(type: string, depth: number): fc.Arbitrary<string> {
  const { plain, to } = TYPES[type]!;
  const fields: fc.Arbitrary<string>[] = plain.map((name) => fc.constant(name));
  if (depth > 0) {
    for (const [name, inner] of Object.entries(to)) {
      fields.push(selection(inner, depth - 1).map((below) => `${name} ${below}`));
    }
    const deferred = selection(type, depth - 1).map((below) => `... @defer ${below}`);
    fields.push(deferred, deferred, deferred);
  }
  return fc.array(fc.oneof(...fields), { minLength: 1, maxLength: 4 }).map((all) => `{ ${all.join(" ")} }`);
}

test("random operations come to the same in parts", async () => {
  const operations = selection("Query", 5).filter(
    (query) => query.includes("@defer") && validate(graph.apiSchema, parse(query)).length === 0,
  );
  await fc.assert(
    fc.asyncProperty(operations, async (query) => {
      await compare(query);
    }),
    { numRuns: RUNS },
  );
}, 60_000);

test("an operation that is answered at once takes no notice of @defer", async () => {
  const { data, asked: requests } = await ask(`{ one { name ... @defer(label: "a") { weight } } }`);
  expect(data).toEqual({ one: { name: "Chair", weight: 2 } });
  expect(requests.map(({ query }) => query).join()).not.toContain("defer");
});
