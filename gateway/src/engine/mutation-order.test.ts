/**
 * Goal: nothing of a mutation is carried out after a failure that makes the whole answer null. Method: root
 * fields of three services and two partitions, some of which must not be null; the resolvers' calls, the data
 * and the places of errors are those of graphql-js on one schema.
 */
import { buildSubgraphSchema } from "@apollo/subgraph";
import fc from "fast-check";
import { graphql, parse } from "graphql";
import { beforeEach, expect, test } from "vitest";
import { asking, startGraph } from "./fixture.ts";

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
  expect(places(errors)).toEqual(places(expected.errors));
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

/**
 * What a service is asked for together is carried out together: two fields of one service have another's
 * between them.
 */
test("random mutations", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(field, { minLength: 2, maxLength: 5 }), async (fields) => {
      const apart = fields.filter(({ name }, at) => name.slice(-3) !== fields[at - 1]?.name.slice(-3));
      await expectSame(apart.map(({ text }, index) => `f${index}: ${text}`).join(" "));
    }),
    { numRuns: 60 },
  );
});

test("an answer in parts ends, too", async () => {
  const query = `mutation { mustBank(id: "fails") { id ... @defer { may } } mustPost(id: "1") { id } }`;
  const operation = (await graph.graph.deferredOperation(asking(query)))!;
  const first = await operation.begin({}, graph.newContext())!.first();
  expect([first.data, first.errors.map(({ path }) => path)]).toEqual([null, [["mustBank"]]]);
  expect(calls).toEqual(["mustBank fails"]);
});
