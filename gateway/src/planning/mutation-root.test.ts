/**
 * Goal: each root field of a mutation is carried out once, in GraphQL's order, whatever a document selects
 * twice and under whatever conditions. Method: random mutations over three subgraphs and two partitions,
 * carried out by the gateway and by graphql-js on one schema. The resolvers' calls and the answers must be
 * equal.
 */
import fc from "fast-check";
import { buildSchema, graphqlSync, parse, validate } from "graphql";
import { expect, test } from "vitest";
import { type SubgraphFixture, startGraph } from "../fixture/engine.ts";

/**
 * Each subgraph has a root field of the mutation. It returns an entity that the other subgraphs have fields
 * of, too.
 */
const SUBGRAPHS = ["bank", "post", "shop"] as const;
const DOMAIN = "type Domain { a: Int b: Int }";

function startWorld() {
  const calls: string[] = [];
  const act =
    (name: string) =>
    (_: unknown, { n = 0, id }: { n?: number; id?: string }) => {
      calls.push(`${name} ${id ?? n}`);
      return { id: `${id ?? n}`, count: calls.length, domain: { a: 1, b: 2 } };
    };
  const subgraphs: Record<string, SubgraphFixture> = {};
  for (const name of SUBGRAPHS) {
    subgraphs[name] = {
      sdl: `type Query { ${name}: Int } type Mutation { ${name}(n: Int): Done }
        type Done @key(fields: "id") { id: ID! count: Int @shareable domain: Domain @shareable of_${name}: String }
        ${DOMAIN.replace("{", "@shareable {")}`,
      resolvers: {
        Mutation: { [name]: act(name) },
        Done: {
          __resolveReference: (key: object) => key,
          [`of_${name}`]: ({ id }: { id: string }) => `${name} ${id}`,
        },
      },
    };
  }
  subgraphs.city = {
    partitions: ["north", "south"],
    sdl: `type Query { city(id: ID!): Int @partition(by: "id") } type Mutation { city(id: ID!): Row @partition(by: "id") }
      type Row @key(fields: "id") @partition(by: "id") { id: ID! count: Int domain: Place } type Place { a: Int b: Int }`,
    resolvers: { Mutation: { city: act("city") }, Row: { __resolveReference: (key: object) => key } },
  };
  const whole = buildSchema(`type Query { x: Int } ${DOMAIN} type Place { a: Int b: Int }
    type Mutation { bank(n: Int): Done post(n: Int): Done shop(n: Int): Done city(id: ID!): Row }
    type Row { id: ID! count: Int domain: Place }
    type Done { id: ID! count: Int domain: Domain of_bank: String of_post: String of_shop: String }`);
  const { Done, Mutation } = whole.getTypeMap() as Record<string, ReturnType<typeof whole.getMutationType>>;
  for (const name of SUBGRAPHS) {
    Done!.getFields()[`of_${name}`]!.resolve = ({ id }) => `${name} ${id}`;
    Mutation!.getFields()[name]!.resolve = act(name);
  }
  Mutation!.getFields().city!.resolve = act("city");
  return { ...startGraph(subgraphs), calls, whole };
}

const condition = fc.constantFrom(
  ...[
    "",
    "",
    "",
    "@include(if: $t)",
    "@skip(if: $t)",
    "@include(if: $u)",
    "@skip(if: $u)",
    "@include(if: $t) @skip(if: $u)",
  ],
);
const conditioned = (text: fc.Arbitrary<string>) => fc.tuple(text, condition).map((parts) => parts.join(" "));
const selectionOf = (...fields: string[]) =>
  fc
    .array(
      fc.oneof(
        conditioned(fc.constantFrom(...fields)),
        fc
          .tuple(fc.constantFrom("domain", "where: domain"), condition, condition)
          .map(([d, c, e]) => `${d} ${c} { a b ${e} }`),
        fc.tuple(condition, condition).map(([c, d]) => `... ${c} { id ${d} }`),
      ),
      { minLength: 1, maxLength: 3 },
    )
    .map((selections) => `{ ${selections.join(" ")} }`);
const done = selectionOf("id", "count", "total: count", "of_bank", "of_post", "of_shop", "__typename");
const row = selectionOf("id", "count", "total: count", "__typename");

const field = fc.oneof(
  fc
    .tuple(
      fc.constantFrom("bank", "post", "shop", "bank", "again: bank(n: 7)", "other: shop"),
      condition,
      done,
    )
    .map((parts) => parts.join(" ")),
  fc
    .tuple(
      fc.constantFrom('city(id: "north:1")', 'more: city(id: "south:1")', 'last: city(id: "north:2")'),
      condition,
      row,
    )
    .map((parts) => parts.join(" ")),
  conditioned(fc.constant("__typename")),
);
const { selections } = fc.letrec<{ selections: string; selection: string }>((tie) => ({
  selections: fc.array(tie("selection"), { minLength: 1, maxLength: 6 }).map((all) => all.join(" ")),
  selection: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    field,
    fc
      .tuple(fc.constantFrom("...", "... on Mutation"), condition, tie("selections"))
      .map(([on, c, s]) => `${on} ${c} { ${s} }`),
  ),
}));

const operation = fc.tuple(selections, selections, condition).map(([own, spread, when]) => ({
  query: `mutation ($t: Boolean!, $u: Boolean! = true) { ${own} ...f ${when} used: __typename @include(if: $t) @skip(if: $u) } fragment f on Mutation { ${spread} }`,
}));

test("the fields of a fragment are carried out where it is spread, of the same subgraph too", async () => {
  const { ask, calls } = startWorld();
  await ask(`mutation { bank { domain { a b } } ...f }
    fragment f on Mutation { again: bank(n: 7) { id } shop { domain { a b } } }`);
  expect(calls).toEqual(["bank 0", "bank 7", "shop 0"]);
});

test("random mutations call what graphql-js calls, in its order, and answer the same", async () => {
  const { ask, calls, whole } = startWorld();
  let repeated = 0;
  await fc.assert(
    fc.asyncProperty(
      operation,
      fc.boolean(),
      fc.option(fc.boolean(), { nil: undefined }),
      async ({ query }, t, u) => {
        const variables = { t, ...(u !== undefined && { u }) };
        expect(validate(whole, parse(query))).toEqual([]);
        calls.length = 0;
        const expected = graphqlSync({ schema: whole, source: query, variableValues: variables });
        const expectedCalls = calls.splice(0);
        const { data, errors } = await ask(query, variables);
        expect(calls).toEqual(expectedCalls);
        expect(errors).toEqual(expected.errors);
        expect(JSON.stringify(data)).toBe(JSON.stringify(expected.data));
        if ((query.match(/\bbank\b/g) ?? []).length > 1) repeated++;
      },
    ),
    { numRuns: 100 },
  );
  expect(repeated).toBeGreaterThan(30);
});

test("what is said to services on selections of one name is said once, or refused if it differs", async () => {
  const said: string[] = [];
  const loud = (times: number) => `@loud(times: ${times})`;
  const sdl = (own: string) => `directive @loud(times: Int) on FIELD | INLINE_FRAGMENT ${own}`;
  const { ask, asked } = startGraph({
    bank: {
      sdl: sdl("type Query { a: Int } type Mutation { pay: Paid } type Paid { a: Int b: Int }"),
      resolvers: { Mutation: { pay: () => void said.push("pay") } },
    },
    post: { sdl: sdl("type Mutation { write: Int }"), resolvers: { Mutation: { write: () => 1 } } },
  });
  await ask(`mutation { pay { a } write ... ${loud(3)} { pay ${loud(2)} { b } } }`);
  expect(asked.map(({ query }) => query)).toEqual([
    "mutation{...@loud(times:3){pay@loud(times:2){a b}}}",
    "mutation{write}",
  ]);
  const different = ask(`mutation { pay ${loud(1)} { a } write pay ${loud(2)} { b } }`);
  await expect(different).rejects.toMatchObject({ extensions: { code: "GRAPHQL_VALIDATION_FAILED" } });
  expect(said).toEqual(["pay"]);
});
