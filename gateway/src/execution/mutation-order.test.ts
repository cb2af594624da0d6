/**
 * Goal: nothing of a mutation is carried out after a failure that makes the whole answer null. Method: root
 * fields of three services and two partitions, some of them non-null. The resolvers' calls, the data and the
 * places of errors must be those of graphql-js on one schema.
 */
import { buildSubgraphSchema } from "@apollo/subgraph";
import fc from "fast-check";
import { graphql, parse } from "graphql";
import { beforeEach, expect, test } from "vitest";
import { asking, startGraph } from "../fixture/engine.ts";

const calls: string[] = [];
beforeEach(() => {
  calls.length = 0;
});

const act =
  (name: string) =>
  (_: unknown, { id }: { id: string }) => {
    calls.push(`${name} ${id}`);
    if (id.includes("fails")) throw new Error("fails");
    return { id };
  };
const must = ({ id }: { id: string }) => {
  if (id.includes("broken")) throw new Error("is broken");
  return "m";
};
const reference = { __resolveReference: (key: object) => key };

const bank = "bank(id: ID!): Done mustBank(id: ID!): Done!";
const post = "post(id: ID!): Done mustPost(id: ID!): [Done!]!";
const city = (by: string) => `city(id: ID!): Done ${by} mustCity(id: ID!): Done! ${by}`;
const resolvers = {
  bank: act("bank"),
  mustBank: act("mustBank"),
  post: act("post"),
  mustPost: (...args: Parameters<ReturnType<typeof act>>) => [act("mustPost")(...args)],
  city: act("city"),
  mustCity: act("mustCity"),
};
const whole = buildSubgraphSchema([
  {
    typeDefs: parse(`type Query { a: Int } type Mutation { ${bank} ${post} ${city("")} }
    type Done { id: ID! must: String! may: String }`),
    resolvers: { Mutation: resolvers, Done: { must, may: must } },
  },
]);
const done = 'type Done @key(fields: "id") { id: ID! }';
const graph = startGraph({
  bank: {
    sdl: `type Query { a: Int } type Mutation { ${bank} } ${done}`,
    resolvers: { Mutation: { bank: resolvers.bank, mustBank: resolvers.mustBank }, Done: reference },
  },
  post: {
    sdl: `type Mutation { ${post} } ${done}`,
    resolvers: { Mutation: { post: resolvers.post, mustPost: resolvers.mustPost }, Done: reference },
  },
  city: {
    sdl: `type Mutation { ${city('@partition(by: "id")')} } type Done @key(fields: "id", resolvable: false) { id: ID! }`,
    resolvers: { Mutation: { city: resolvers.city, mustCity: resolvers.mustCity } },
    partitions: ["north", "south"],
  },
  words: {
    sdl: `type Done @key(fields: "id") { id: ID! must: String! may: String }`,
    resolvers: { Done: { ...reference, must, may: must } },
  },
});

async function expectSame(fields: string): Promise<void> {
  const source = `mutation ($no: Boolean = false) { ${fields} used: __typename @include(if: $no) }`;
  calls.length = 0;
  const expected = await graphql({ schema: whole, source });
  const expectedCalls = calls.splice(0);
  const { data, errors } = await graph.ask(source);
  expect({ calls: [...calls], data }).toEqual({
    calls: expectedCalls,
    data: JSON.parse(JSON.stringify(expected.data)),
  });
  const places = (all: readonly { path?: readonly (string | number)[] | undefined }[] = []) =>
    all.map(({ path }) => path?.join(".")).sort();
  // For an answer that is null as a whole, nothing more is fetched, so there may be fewer errors.
  if (expected.data !== null) expect(places(errors)).toEqual(places(expected.errors));
  else expect(places(expected.errors)).toEqual(expect.arrayContaining(places(errors)));
  expect(errors?.length ?? 0).toBeGreaterThanOrEqual(expected.data === null ? 1 : 0);
}

test.each([
  'mustBank(id: "fails") { id } post(id: "1") { id }',
  'mustBank(id: "1") { id } mustPost(id: "fails") { id } bank(id: "2") { id }',
  'mustBank(id: "broken") { must } mustPost(id: "1") { id } mustBank2: mustBank(id: "2") { id }',
  'mustBank(id: "broken") { may } mustPost(id: "1") { must }',
  'bank(id: "fails") { id } mustPost(id: "1") { id }',
  'bank(id: "broken") { must } mustPost(id: "1") { id }',
  'mustBank(id: "fails") @include(if: $no) { id } mustPost(id: "1") { id }',
  'mustCity(id: "north:fails") { id } post(id: "1") { id }',
  'mustCity(id: "south:broken") { must } post(id: "1") { id }',
  'mustBank(id: "broken") { must } bank(id: "2") { id }',
  'mustCity(id: "south:broken") { must } city(id: "south:1") { id }',
  '... { mustBank(id: "1") { must } } mustBank2: mustBank(id: "broken") { must } bank(id: "2") { must }',
])("%s", expectSame);

const field = fc
  .tuple(
    fc.constantFrom("bank", "mustBank", "post", "mustPost", "city", "mustCity"),
    fc.constantFrom("1", "1", "1", "fails", "broken"),
    fc.constantFrom("", "", "@include(if: $no)", "@skip(if: $no)"),
    fc.constantFrom("id", "may", "must"),
  )
  .map(([name, id, condition, below]) => ({
    name,
    text: `${name}(id: "north:${id}") ${condition} { ${below} }`,
  }));

test("random mutations", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(field, { minLength: 2, maxLength: 5 }), async (fields) => {
      await expectSame(fields.map(({ text }, index) => `f${index}: ${text}`).join(" "));
    }),
    { numRuns: 50 },
  );
});

test("an answer in parts ends, too", async () => {
  const query = `mutation { mustBank(id: "fails") { id ... @defer { may } } mustPost(id: "1") { id } }`;
  const operation = (await graph.graph.operationInParts(asking(query)))!;
  const first = await operation.begin({}, graph.newContext())!.first();
  expect([first.data, first.errors.map(({ path }) => path)]).toEqual([null, [["mustBank"]]]);
  expect(calls).toEqual(["mustBank fails"]);
});

test("fields of one service are one request, but for what another service can make null", async () => {
  const query = `mutation ($id: ID! = "3") { a: mustBank(id: "1") { id } b: bank(id: "2") { must }
    c: mustBank(id: $id) { may } d: bank(id: "4") { id } }`;
  const { asked } = await graph.ask(query);
  const mutations = asked.filter(({ query: text }) => text.startsWith("mutation"));
  expect(mutations.map(({ query: text }) => text)).toEqual([
    "mutation($id:ID!=3){a:mustBank(id:1){id}b:bank(id:2){__typename id}c:mustBank(id:$id){__typename id}}",
    "mutation{d:bank(id:4){id}}",
  ]);
});

test("an answer in parts takes several requests for its first part, too", async () => {
  const query = `mutation { a: mustBank(id: "1") { must ... @defer { may } } b: bank(id: "2") { id } }`;
  const operation = (await graph.graph.operationInParts(asking(query)))!;
  const answer = operation.begin({}, graph.newContext())!;
  expect((await answer.first()).data).toEqual({ a: { must: "m" }, b: { id: "2" } });
  expect(calls).toEqual(["mustBank 1", "bank 2"]);
});
