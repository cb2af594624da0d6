/**
 * Goal: costs are those of the cost specification. Method: small composed subgraphs, and costs calculated by
 * hand.
 */
import { compose } from "@teranga/schema/compose.ts";
import { Kind, type OperationDefinitionNode, parse } from "graphql";
import { describe, expect, test } from "vitest";
import { readSupergraph } from "../ground/supergraph.ts";
import { createCostModel } from "./cost.ts";

const LINK = `extend schema
  @link(url: "https://specs.apollo.dev/federation/v2.12", import: ["@key", "@shareable", "@composeDirective", "@cost", "@listSize"])`;

function modelOf(sdl: string, link = LINK) {
  const { supergraphSdl } = compose([{ name: "shop", url: "http://shop/graphql", sdl: `${link}\n${sdl}` }]);
  return createCostModel(readSupergraph(supergraphSdl));
}

type Model = ReturnType<typeof modelOf>;

function costOf(
  model: Model,
  query: string,
  variables?: Record<string, unknown>,
  partitions?: number,
): number {
  const document = parse(query);
  const operation = document.definitions.find((each) => each.kind === Kind.OPERATION_DEFINITION);
  const measured = { document, operation: operation as OperationDefinitionNode, variables };
  return model.costOf(measured, () => partitions);
}

const shop = modelOf(`
  type Query {
    me: Person
    search(text: String, filter: Filter): [Result]
    page(first: Int = 20, last: Int): Page @listSize(assumedSize: 7, slicingArguments: ["first", "last"], sizedFields: ["edges", "nodes"], requireOneSlicingArgument: false)
    top(first: Int, by: Int): [Person] @listSize(slicingArguments: ["first", "by"])
    five: [Person] @listSize(assumedSize: 5)
    grid: [[Person]]
    dear: Person @cost(weight: 100)
    report(kind: String @cost(weight: 6)): Int @cost(weight: 30)
  }
  type Mutation { rename(input: Filter): Person pay: Person @cost(weight: 50) }
  union Result = Person | Thing
  type Person { name: String friends: [Person] things: [Thing] @listSize(assumedSize: 3) }
  type Thing @cost(weight: 4) { name: String colour: Colour }
  enum Colour @cost(weight: 2) { RED }
  type Page { total: Int edges: [Edge] nodes: [Person] }
  type Edge { node: Person }
  input Filter { name: String price: Int @cost(weight: 5) all: [Filter] }
`);

describe("the weights that are usual", () => {
  test.each([
    ["an object is 1, its scalars are free", "{ me { name } }", 1],
    ["a list is ten of them", "{ me { friends { name } } }", 1 + 10],
    ["lists in lists multiply", "{ me { friends { friends { friends { name } } } } }", 1 + 10 + 100 + 1_000],
    ["lists directly in lists too", "{ grid { name } }", 100],
    [
      "type conditions are added up",
      "{ search { ... on Person { things { name } } ... on Thing { name } } }",
      10 * (1 + 3 * 4),
    ],
    ["__typename is free", "{ __typename me { __typename } }", 1],
    [
      "introspection has a weight of its own",
      '{ __schema { types { fields { name } } } __type(name: "A") { name } }',
      2_000,
    ],
    ["a mutation is 10", "mutation { a: rename { name } b: rename { name } }", 20],
    [
      "so are fragments, each time",
      "{ me { ...f } again: me { ...f } } fragment f on Person { friends { name } }",
      22,
    ],
  ])("%s", (_, query, cost) => expect(costOf(shop, query)).toBe(cost));
});

describe("@cost", () => {
  test.each([
    ["of a type", "{ me { things { name } } }", 1 + 3 * 4],
    ["of an enum", "{ me { things { colour } } }", 1 + 3 * (4 + 2)],
    ["of a field goes before its type's", "{ dear { name } }", 100],
    ["of a mutation goes before the usual 10", "mutation { pay { name } }", 50],
    ["of a scalar field and its argument", '{ report(kind: "x") }', 36],
    ["not of an argument that is not given", "{ report }", 30],
  ])("%s", (_, query, cost) => expect(costOf(shop, query)).toBe(cost));

  test("of what is in an argument, from the text or the variables", () => {
    const filter = { name: "a", price: 1, all: [{ price: 2 }, { all: [{ price: 3 }] }] };
    const inputs = 4 + 3 * 5;
    const literal = '{ name: "a", price: 1, all: [{ price: 2 }, { all: [{ price: 3 }] }] }';
    expect(costOf(shop, `mutation { rename(input: ${literal}) { name } }`)).toBe(10 + inputs);
    const query = "mutation ($input: Filter) { rename(input: $input) { name } }";
    expect(costOf(shop, query, { input: filter })).toBe(10 + inputs);
    expect(costOf(shop, query, {})).toBe(10);
    const part = "mutation ($all: [Filter]) { rename(input: { price: 1, all: $all }) { name } }";
    expect(costOf(shop, part, { all: filter.all })).toBe(10 + inputs);
  });

  test("of an argument without end", () => {
    let filter: object = {};
    for (let depth = 0; depth < 50_000; depth++) filter = { all: [filter] };
    const query = "mutation ($input: Filter) { rename(input: $input) { name } }";
    expect(costOf(shop, query, { input: filter })).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("@listSize", () => {
  const page = (first: string) =>
    `query ($n: Int, $d: Int = 4) { page(first: ${first}) { edges { node { name } } } }`;
  test.each([
    ["a literal", page("30"), {}, 1 + 30 * 2],
    ["the schema's default", "{ page { edges { node { name } } } }", {}, 1 + 20 * 2],
    ["a variable", page("$n"), { n: 50 }, 1 + 50 * 2],
    ["a variable that is not given, so the schema's default", page("$n"), {}, 1 + 20 * 2],
    ["a variable's own default", page("$d"), {}, 1 + 4 * 2],
    ["null, so the assumed size", page("null"), {}, 1 + 7 * 2],
    ["a variable that is null", page("$n"), { n: null }, 1 + 7 * 2],
    ["less than nothing", page("-5"), {}, 1],
    ["a variable that is no number", page("$n"), { n: "many" }, 1 + 7 * 2],
    ["the largest of several", "{ page(first: 5, last: 9) { nodes { name } } }", {}, 1 + 9],
    ["in both lists", "{ page(first: 5) { nodes { name } edges { node { name } } total } }", {}, 1 + 5 + 10],
    [
      "through fragments",
      "{ page(first: 5) { ...f } } fragment f on Page { ... { nodes { name } } }",
      {},
      1 + 5,
    ],
    ["an assumed size", "{ five { name } }", {}, 5],
    ["the list itself", "{ top(first: 8) { friends { name } } }", {}, 8 * 11],
  ])("%s", (_, query, variables, cost) => expect(costOf(shop, query, variables)).toBe(cost));

  test.each([
    "{ top { name } }",
    "{ top(first: 1, by: 2) { name } }",
    "query ($n: Int) { top(first: $n) { name } }",
  ])("%s lacks the one argument that it needs", (query) => {
    expect(() => costOf(shop, query)).toThrow(
      'The field "top" needs exactly one of the arguments first, by.',
    );
  });
});

test("what @skip and @include leave out costs nothing", () => {
  const query =
    "query ($no: Boolean!) { me @skip(if: $no) { name } ... @include(if: $no) { dear { name } } }";
  expect(costOf(shop, query, { no: true })).toBe(100);
  expect(costOf(shop, query, { no: false })).toBe(1);
});

test("a list that all partitions answer has as many entries as there are partitions", () => {
  const sdl = `type Query { cities: [City]! @gather } type City @key(fields: "id") @partition(by: "id") { id: ID! towns: [Town] } type Town { name: String }
    directive @gather on FIELD_DEFINITION directive @partition(by: String!) on OBJECT | FIELD_DEFINITION`;
  const link = `${LINK} @link(url: "https://teranga.dev/partition/v1.0", import: ["@gather", "@partition"]) @composeDirective(name: "@gather") @composeDirective(name: "@partition")`;
  const model = modelOf(sdl, link);
  const query = "{ cities { id towns { name } } }";
  expect(costOf(model, query, {}, 1_024)).toBe(1_024 * 11);
  expect(costOf(model, query, {}, 4)).toBe(44);
  expect(costOf(model, query)).toBe(110);
});

test("the directives are found under other names, and do not have to be there", () => {
  const renamed = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.12", import: [{ name: "@cost", as: "@price" }, { name: "@listSize", as: "@many" }])`;
  const model = modelOf(
    "type Query { a: [A] @many(assumedSize: 3) } type A @price(weight: 7) { b: Int }",
    renamed,
  );
  expect(costOf(model, "{ a { b } }")).toBe(21);
  const plain = modelOf("type Query { a: [A] } type A { b: Int }");
  expect(costOf(plain, "{ a { b } }")).toBe(10);
});

test("a cost that is known without variables is a look-up the second time", () => {
  const document = parse(
    `{ ${Array.from({ length: 500 }, (_, index) => `a${index}: me { friends { name } }`).join(" ")} }`,
  );
  const operation = document.definitions[0] as OperationDefinitionNode;
  expect(shop.costOf({ document, operation })).toBe(500 * 11);
  const startMs = performance.now();
  for (let index = 0; index < 1_000; index++) shop.costOf({ document, operation });
  // Compiling it a thousand times takes about 500 ms.
  expect(performance.now() - startMs).toBeLessThan(50);
});
