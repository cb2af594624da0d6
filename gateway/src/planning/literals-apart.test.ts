/**
 * Goal: a literal reaches a service as the client wrote it. Method: fields that report their arguments and
 * directives, asked of a graph and of graphql-js on all of its types. The scalars report the text of a
 * literal, and of a variable's value that it was JSON.
 */
import { buildSubgraphSchema } from "@apollo/subgraph";
import fc from "fast-check";
import {
  type GraphQLResolveInfo,
  GraphQLScalarType,
  graphql,
  Kind,
  parse,
  print,
  type ValueNode,
  validate,
  visit,
} from "graphql";
import { expect, test } from "vitest";
import { asking, startGraph } from "../fixture/engine.ts";

const ARGUMENTS = `int: Int float: Float id: ID long: Long any: Any find: Find longs: [[Long]] finds: [Find!]`;
const SHARED = `
  scalar Long scalar Any enum Colour { RED }
  directive @hint(long: Long, any: Any) on FIELD | QUERY | MUTATION | INLINE_FRAGMENT | VARIABLE_DEFINITION
  input Find { id: ID float: Float long: Long! = 1 any: Any colour: Colour = RED deep: [Find!] }`;
const THING = (field: string) => `type Thing @key(fields: "id") { id: ID! ${field} }`;
const ROW = (head: string, fields: string) => `type Row ${head} { id: ID! ${fields} }`;
const MUTATION = `type Mutation { change(${ARGUMENTS}): String }`;
const ROOT = `echo(${ARGUMENTS}): String thing: Thing row: Row`;
const SPREAD = (by: string) => `at(town: Town = 7, ${ARGUMENTS}): String ${by}`;

const told = (node: ValueNode, variables?: Record<string, unknown> | null): string =>
  print(
    visit(node, { Variable: ({ name }) => ({ kind: Kind.STRING, value: `var ${variables?.[name.value]}` }) }),
  );
const json = (value: unknown) => JSON.stringify(value);
const scalar = (name: string) =>
  new GraphQLScalarType({ name, parseLiteral: told, parseValue: (value) => `JSON ${json(value)}` });

const echo = (_: unknown, args: object, __: unknown, { fieldNodes }: GraphQLResolveInfo) =>
  json([args, fieldNodes[0]!.directives?.map(print)]);
const scalars = { Long: scalar("Long"), Any: scalar("Any"), Town: scalar("Town") };
const resolvers = {
  ...scalars,
  Query: { echo, at: echo, thing: () => ({ id: "1" }), row: () => ({ id: "9007199254740993:1" }) },
  Mutation: { change: echo },
  Thing: { echo },
  Row: { echo },
};
const { Query, Mutation, Thing, Row } = resolvers;
const { at, ...root } = Query;

const whole = buildSubgraphSchema([
  {
    typeDefs: parse(`${SHARED} scalar Town type Query { ${ROOT} ${SPREAD("")} } ${MUTATION}
      ${THING(`echo(${ARGUMENTS}): String`)} ${ROW("", `echo(${ARGUMENTS}): String`)}`),
    resolvers,
  },
]);
const { Long, Any, Town } = scalars;
const graph = startGraph({
  a: {
    sdl: `${SHARED} type Query { ${ROOT} } ${MUTATION} ${THING("")} ${ROW('@key(fields: "id", resolvable: false)', "")}`,
    resolvers: { Long, Any, Query: root, Mutation },
  },
  b: {
    sdl: `${SHARED} ${THING(`echo(${ARGUMENTS}): String`)}`,
    resolvers: { Long, Any, Thing },
  },
  c: {
    sdl: `${SHARED} scalar Town type Query { ${SPREAD('@partition(by: "town")')} }
      ${ROW('@key(fields: "id") @partition(by: "id")', `echo(${ARGUMENTS}): String`)}`,
    resolvers: { Long, Any, Town, Query: { at }, Row },
    partitions: ["9007199254740993", "1.50", "7"],
  },
});

async function expectSame(query: string, variables: Record<string, unknown> = {}): Promise<void> {
  expect(validate(graph.graph.apiSchema, parse(query)).map(({ message }) => message)).toEqual([]);
  const expected = await graphql({ schema: whole, source: query, variableValues: variables });
  expect(expected.errors).toBeUndefined();
  const { data, errors } = await graph.ask(query, variables);
  expect({ data, errors }).toEqual({ data: JSON.parse(json(expected.data)), errors: undefined });
}

test.each([
  "{ echo(long: 9007199254740993, id: 9007199254740993, float: 1.50) }",
  "{ echo(find: { id: 1234567890123456789, long: -9007199254740993 }) }",
  "{ echo(longs: [[9007199254740993, 1], null]) }",
  "{ echo(longs: 9007199254740993) }",
  "{ echo(long: 12345678901234567.89) b: echo(long: 1.50) c: echo(long: 1e400) d: echo(long: -0) }",
  "{ echo(any: { b: 1.50, a: [RED, 1e400, null, { c: 1 }] }) }",
  '{ echo(any: RED) b: echo(any: "RED") }',
  "{ echo(finds: [{ any: [1.0], deep: [{ any: [RED], colour: RED }] }]) }",
  "query ($literal_1: Long = 1) { echo(long: $literal_1) b: echo(long: 1.50) }",
  "query ($x: Any = 3) { echo(any: { a: $x, b: 1.50 }) thing { echo(any: [$x, 1e400]) } }",
  "query ($x: Long = 9007199254740993) { echo(long: $x, find: { long: $x }) }",
  "query ($x: Find = { any: 1e400 }, $y: [[Long]] = 1.50) { echo(find: $x, longs: $y) }",
  "{ thing { echo(long: 9007199254740993) ...F @include(if: true) } } fragment F on Thing { b: echo(any: [1.50]) }",
  "{ row { echo(long: 9007199254740993, any: { a: 1.50 }) } }",
  "query ($x: Long! = 1.50) { row { echo(long: $x) } at(long: $x) }",
  "query @hint(any: [1.50]) { echo @hint(long: 1e400) ... @hint(long: 9007199254740993) { thing { echo @hint(any: RED) } } }",
  "mutation ($x: Long = 1e400) { change(long: 1.50) b: change(long: $x) }",
  "{ at(long: 1e400, any: { a: RED }) }",
  "{ at(town: 9007199254740993) b: at(town: 1.50) }",
  "query ($town: Town = 9007199254740993) { at(town: $town, long: 9007199254740993) }",
  "{ echo(any: { a: 1.50, b: 2 }) echo(any: { b: 2, a: 1.50 }) }",
])("%s", (query) => expectSame(query));

/** Literals that are easily changed. */
const WHOLE = ["9007199254740993", "-9007199254740993", "0", "-0", "12345678901234567890123456789"];
const NUMBERS = [...WHOLE, "1.50", "-0.0", "1E3", "0.1", "1e-400", "12345678901234567.89"];
const long = fc.constantFrom(...NUMBERS, "1e400");
const list = (each: fc.Arbitrary<string>) => fc.array(each, { maxLength: 2 }).map((all) => `[${all}]`);
const { any, find } = fc.letrec<{ any: string; find: string }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 2 },
    fc.oneof(long, fc.constantFrom("RED", '"RED"', "null", "true")),
    list(tie("any")),
    fc.tuple(tie("any"), tie("any")).map(([a, b]) => `{ b: ${b}, a: ${a} }`),
  ),
  find: fc
    .record(
      {
        id: fc.constantFrom(...WHOLE, '"1"'),
        float: fc.constantFrom(...NUMBERS),
        long,
        any: tie("any"),
        colour: fc.constant("RED"),
        deep: fc.oneof({ maxDepth: 2 }, fc.constant("null"), tie("find")),
      },
      { requiredKeys: [] },
    )
    .map((fields) => `{ ${Object.entries(fields).map(([name, value]) => `${name}: ${value}`)} }`),
}));
const LITERALS: [name: string, type: string, literal: fc.Arbitrary<string>][] = [
  ["int", "Int", fc.constantFrom("-0", "2147483647")],
  ["float", "Float", fc.constantFrom(...NUMBERS)],
  ["id", "ID", fc.constantFrom(...WHOLE, '"01"')],
  ["long", "Long", long],
  ["any", "Any", any],
  ["find", "Find", find],
  ["longs", "[[Long]]", fc.oneof(long, list(list(long)))],
  ["finds", "[Find!]", fc.oneof(find, list(find))],
];

/** Arguments as literals, or as variables with these literals as defaults. */
const given = fc.array(
  fc
    .constantFrom(...LITERALS)
    .chain(([name, type, literal]) =>
      fc.record({ name: fc.constant(name), type: fc.constant(type), literal, isDefault: fc.boolean() }),
    ),
  { minLength: 1, maxLength: 4 },
);
const field = fc.tuple(fc.constantFrom("echo", "thing { echo", "row { echo", "at"), given);

test("any literal, wherever it is written", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(field, { minLength: 1, maxLength: 3 }), async (fields) => {
      const variables: string[] = [];
      const asked = fields.map(([place, all], index) => {
        const args = [...Map.groupBy(all, ({ name }) => name).values()].map(([first]) => {
          const { name, type, literal, isDefault } = first!;
          if (!isDefault) return `${name}: ${literal}`;
          variables.push(`$literal_${variables.length}: ${type} = ${literal}`);
          return `${name}: $literal_${variables.length - 1}`;
        });
        return `f${index}: ${place}(${args})${place.includes("{") ? " }" : ""}`;
      });
      await expectSame(`query Any${variables.length > 0 ? `(${variables})` : ""} { ${asked.join(" ")} }`);
    }),
    { numRuns: 60 },
  );
});

test("what is told with a fetch is what it mentions", async () => {
  const query = "query ($x: Any, $y: Any) { echo(any: [$x, 1.50]) thing { echo(any: [$y, 1.50]) } }";
  const { asked } = await graph.ask(query, { x: 1, y: 2 });
  expect(asked.map(({ query: sent, variables }) => [sent, Object.keys(variables!)])).toEqual([
    ["query($x:Any){echo(any:[$x 1.50])thing{__typename id}}", ["x"]],
    [
      "query($representations:[_Any!]!$y:Any){_entities(representations:$representations){...on Thing{echo(any:[$y 1.50])}}}",
      ["y", "representations"],
    ],
  ]);
});

test("a fragment of another operation stays out of it", async () => {
  const text = `query A($x: Long) { ...F } query B { echo(long: 1.50) } fragment F on Query { echo(long: $x) }`;
  const operation = await graph.graph.operation({ ...asking(text), operationName: "B" });
  expect((await operation.execute({}, graph.newContext())).data).toEqual({ echo: '[{"long":"1.50"},[]]' });
});

test("what is deferred, too", async () => {
  const query = "{ thing { id ... @defer { echo(long: 1.50) } } }";
  const operation = (await graph.graph.operationInParts(asking(query)))!;
  const answer = operation.begin({}, graph.newContext())!;
  await answer.first();
  const [{ data } = { data: null }] = await answer.next();
  expect(data).toEqual({ echo: '[{"long":"1.50"},[]]' });
});

test("the directives of a variable go to each service that gets the variable", async () => {
  const query = "query ($id: ID = 5 @hint(any: [1])) { echo(id: $id) thing { echo(id: $id) } row { id } }";
  const { asked } = await graph.ask(query, { id: "1" });
  const withVariable = asked.filter((each) => each.query.includes("$id"));
  expect(withVariable.map(({ subgraph }) => subgraph).sort()).toEqual(["a", "b"]);
  for (const each of withVariable) expect(each.query).toContain("$id:ID=5@hint(any:[1])");
});
