/**
 * Goal: stock `@apollo/gateway` over our sources answers as our engine does, and docs/engines.md lists all
 * that differs. Method: one graph with replicas and partitions in this process, asked by both engines.
 */
import { ERROR_CODES } from "@teranga/kit/graphql/errors.ts";
import { GraphQLError, GraphQLScalarType } from "graphql";
import { afterEach, expect, test } from "vitest";
import { requestOf, startGraph } from "../fixture/engine.ts";
import { ApolloEngine } from "./apollo-engine.ts";

const calls: string[] = [];
const note = (call: string) => void calls.push(call);

const SHOP = `
  type Query { product(id: ID!): Product products: [Product!]! things: [Thing!]! echo(big: Big!): String }
  scalar Big
  type Mutation { add(id: ID!): Product! write: Int note(text: String!): String }
  union Thing = Product | Person
  type Product @key(fields: "id") { id: ID! name: String maker: Person }
  type Person @key(fields: "id") { id: ID! }
`;
const STOCK = `
  type Product @key(fields: "id") { id: ID! name: String @external left: Int! shelf: String label: String @requires(fields: "name") }
  type Mutation { count: Int }
`;
const PEOPLE = `
  type Query { person(id: ID!): Person @partition(by: "id") people: [Person]! @gather }
  type Mutation { rename(id: ID!, name: String!): Person @partition(by: "id") }
  type Person @key(fields: "id") @partition(by: "id") { id: ID! name: String friends: [Person] }
`;

const product = ({ id }: { id: string }) => ({ __typename: "Product", id });
const person = (id: string) => ({ __typename: "Person", id });

const { ask, askApollo, graph, newContext } = startGraph({
  shop: {
    sdl: SHOP,
    resolvers: {
      Big: new GraphQLScalarType({
        name: "Big",
        parseValue: String,
        parseLiteral: (node) => "value" in node && String(node.value),
      }),
      Query: {
        product: (_: unknown, key: { id: string }) => product(key),
        products: () => ["1", "2", "3"].map((id) => product({ id })),
        things: () => [person("north:1"), product({ id: "1" }), product({ id: "gone" })],
        echo: (_: unknown, { big }: { big: string }) => big,
      },
      Mutation: {
        add: (_: unknown, key: { id: string }) => [note(`add ${key.id}`), product(key)][1],
        write: () => [note("write"), 1][1],
        note: (_: unknown, { text }: { text: string }) => [note(text), text][1],
      },
      Product: {
        __resolveReference: product,
        name({ id }: { id: string }) {
          if (id === "2") throw new Error("no name");
          return `P${id}`;
        },
        maker: ({ id }: { id: string }) => person(id === "3" ? "south:3" : `north:${id}`),
      },
    },
  },
  stock: {
    sdl: STOCK,
    resolvers: {
      Mutation: { count: () => [note("count"), 1][1] },
      Product: {
        __resolveReference: (key: { id: string }) => (key.id === "none" ? null : key),
        left: ({ id }: { id: string }) => Number(id.length),
        shelf({ id }: { id: string }) {
          if (id === "gone") throw new Error("no shelf");
          return `S${id}`;
        },
        label: ({ name }: { name?: string }) => `<${name}>`,
      },
    },
  },
  people: {
    sdl: PEOPLE,
    partitions: ["north", "south"],
    resolvers: {
      Query: {
        person: (_: unknown, { id }: { id: string }) => person(id),
        people: () => [person("north:1")],
      },
      Mutation: {
        rename: (_: unknown, { id, name }: Record<string, string>) => [note(`${id} ${name}`), person(id!)][1],
      },
      Person: {
        __resolveReference: ({ id }: { id: string }) => person(id),
        name({ id }: { id: string }) {
          if (id === "north:2") throw new Error("nameless");
          return `N${id}`;
        },
        friends: () => [person("north:1"), person("south:2")],
      },
    },
  },
});

afterEach(() => {
  calls.length = 0;
});

type Variables = Record<string, unknown>;

/** What each engine answers, and the resolvers that it calls for it. */
async function both(query: string, variables?: Variables) {
  const { asked: _, ...teranga } = await ask(query, variables);
  const ours = { ...teranga, calls: calls.splice(0) };
  const { asked: __, ...apollo } = await askApollo(query, variables);
  return { teranga: ours, apollo: { ...apollo, calls: calls.splice(0) } };
}

test.each<[string, string, Variables?]>([
  ["entities of another service", "{ products { id left shelf } }"],
  ["rows of two partitions by key", "{ products { maker { id name } } }"],
  [
    "root fields of two partitions",
    '{ a: person(id: "north:1") { name } b: person(id: "south:1") { name } }',
  ],
  ["a gathered list", "{ people { id name friends { name } } }"],
  ["a union over services", "{ things { __typename ... on Product { id left } ... on Person { name } } }"],
  ["a required field", '{ product(id: "1") { label } }'],
  [
    "variables, defaults, conditions",
    'query Q($id: ID! = "1", $no: Boolean!) { product(id: $id) { id name @include(if: $no) left } }',
    { no: false },
  ],
  ["an error of a row", '{ products { maker { name } } person(id: "north:2") { id name } }'],
  ["an error of a replica", '{ product(id: "2") { id name } }'],
  [
    "mutations in their order, over services and partitions",
    'mutation { a: rename(id: "north:1", name: "A") { name } write b: rename(id: "south:1", name: "B") { name } c: note(text: "C") }',
  ],
  [
    "mutations of a fragment, where it is spread",
    'mutation { first: note(text: "A") ...then } fragment then on Mutation { then: note(text: "B") add(id: "1") { left } count }',
  ],
  ["introspection", '{ __typename __type(name: "Product") { fields { name } } }'],
  ["@defer", '{ product(id: "1") { id ... @defer { left } } }'],
  ["a bad variable", "query ($id: ID!) { product(id: $id) { id } }", { id: { a: 1 } }],
])("the same answer: %s", async (_name, query, variables) => {
  const { teranga, apollo } = await both(query, variables);
  expect(apollo).toEqual(teranga);
});

const UNEXPLAINED = { message: ERROR_CODES.INTERNAL_SERVER_ERROR };

/** What our engine answers, and what stock does; each is in docs/engines.md. */
interface Difference {
  query: string;
  variables?: Variables;
  teranga: object;
  apollo: object;
}

const DIFFERENCES: Record<string, Difference> = {
  "a null where the schema allows none": {
    query: '{ product(id: "none") { left } }',
    teranga: { data: { product: null }, errors: [{ ...UNEXPLAINED, path: ["product", "left"] }], calls: [] },
    apollo: { data: { product: null }, calls: [] },
  },
  "a field that nobody can be asked for": {
    query: 'query ($no: Boolean!) { product(id: "1") { shelf label @include(if: $no) } }',
    variables: { no: false },
    teranga: { data: { product: { shelf: "S1" } }, calls: [] },
    apollo: { data: { product: { shelf: null } }, calls: [] },
  },
  "a key's name for another field": {
    query: '{ product(id: "1") { id: name left } }',
    teranga: { data: { product: { id: "P1", left: 1 } }, calls: [] },
    apollo: { data: { product: { id: "1", left: 1 } }, calls: [] },
  },
  "an error's place behind other elements": {
    query: "{ things { ... on Product { shelf } } }",
    teranga: {
      data: { things: [{}, { shelf: "S1" }, { shelf: null }] },
      errors: [{ message: "no shelf", path: ["things", 2, "shelf"] }],
      calls: [],
    },
    apollo: {
      data: { things: [{}, { shelf: "S1" }, { shelf: null }] },
      errors: [{ message: "no shelf", path: ["things", 1, "shelf"] }],
      calls: [],
    },
  },
  "a mutation's field that fails": {
    query: 'mutation { add(id: "none") { left } write }',
    teranga: { data: null, errors: [{ ...UNEXPLAINED, path: ["add", "left"] }], calls: ["add none"] },
    apollo: { data: null, calls: ["add none", "write"] },
  },
  "a mutation's field twice": {
    query: 'mutation ($t: Boolean!) { note(text: "A") @include(if: $t) count note(text: "A") }',
    variables: { t: true },
    teranga: { data: { note: "A", count: 1 }, calls: ["A", "count"] },
    apollo: { data: { note: "A", count: 1 }, calls: ["A", "count", "A"] },
  },
  "conditions that contradict": {
    query: 'query ($t: Boolean!) { product(id: "1") @include(if: $t) { name @skip(if: $t) } }',
    variables: { t: true },
    teranga: { data: { product: {} }, calls: [] },
    apollo: { data: { product: null }, calls: [] },
  },
  "digits of a literal": {
    query: "{ echo(big: 9007199254740993) }",
    teranga: { data: { echo: "9007199254740993" }, calls: [] },
    apollo: { data: { echo: "9007199254740992" }, calls: [] },
  },
};

test.each(Object.entries(DIFFERENCES))(
  "a difference: %s",
  async (_name, { query, variables, ...answers }) => {
    expect(await both(query, variables)).toEqual(answers);
  },
);

test("stock sends the same question once for each of its places", async () => {
  const query = '{ a: product(id: "1") { left } b: product(id: "3") { left } }';
  expect((await ask(query)).asked.map(({ subgraph }) => subgraph)).toEqual(["shop", "stock"]);
  expect((await askApollo(query)).asked.map(({ subgraph }) => subgraph)).toEqual(["shop", "stock", "stock"]);
});

test("services are told whose fetch it is", async () => {
  const named = (name: string) =>
    `query ${name} { product(id: "1") { left } person(id: "north:1") { name } }`;
  const { asked } = await askApollo(named("Shown"));
  const told = asked.map(({ query, operationName }) => [
    operationName,
    query.startsWith(`query ${operationName}`),
  ]);
  expect(told.sort()).toEqual([
    ["Shown__people__2", true],
    ["Shown__shop__0", true],
    ["Shown__stock__1", true],
  ]);
});

test("a document is searched for @defer once, however often it is asked", async () => {
  const prepare = () => ({ weight: 1, send: async () => ({ data: { product: { id: "1" } }, errors: [] }) });
  const sources = new Map(["shop", "stock", "people"].map((name) => [name, { prepare }]));
  const engine = await ApolloEngine.start(graph.supergraph, sources);
  const terms = { variables: {}, context: newContext() };
  const { document, ...request } = requestOf(engine, '{ product(id: "1") { ... @defer { id } } }', terms);
  let searches = 0;
  const watched = new Proxy(document, {
    get(target, name) {
      if (name === "definitions") searches++;
      return Reflect.get(target, name);
    },
  });
  const execute = () => engine.execute({ ...request, document: watched });
  expect(await execute()).toEqual({ data: { product: { id: "1" } } });
  expect(searches).toBeGreaterThan(0);
  searches = 0;
  expect(await execute()).toEqual({ data: { product: { id: "1" } } });
  expect(searches).toBe(0);
});

test("a fault of ours under the library is an error of GraphQL, with its cause for the log", async () => {
  const fault = new TypeError("a source is broken");
  const prepare = () => ({ weight: 1, send: () => Promise.reject(fault) });
  const sources = new Map(["shop", "stock", "people"].map((name) => [name, { prepare }]));
  const engine = await ApolloEngine.start(graph.supergraph, sources);
  const request = requestOf(engine, "{ products { id } }", { variables: {}, context: newContext() });
  const { errors } = await engine.execute(request);
  expect(errors).toEqual([expect.any(GraphQLError)]);
  expect(errors![0]!.originalError).toBe(fault);
});
