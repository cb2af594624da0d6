/**
 * Goal: an answer has the form that GraphQL prescribes. Method: random operations on random data, shaped
 * here, and for comparison executed by graphql-js with the same data as its root value.
 */
import fc from "fast-check";
import { buildSchema, executeSync, parse, type SelectionSetNode, validate } from "graphql";
import { expect, test } from "vitest";
import { inlinedOperation } from "../../ground/documents.ts";
import { ShapeCompiler } from "./shape.ts";
import { ShapeRun, TooLarge } from "./shape-run.ts";

const schema = buildSchema(`
  type Query { node: Node thing: Thing! things: [Thing!] grid: [[Item!]]! any: [Any] item: Item }
  interface Node { id: ID! next: Node }
  type Item implements Node { id: ID! next: Node name: String! price: Float tags: [String!] kind: Kind! box: Box }
  type Box implements Node { id: ID! next: Node items: [Item!]! size: Int! isOpen: Boolean }
  union Any = Item | Box
  interface Thing { id: ID! }
  type Tool implements Thing { id: ID! weight: Int }
  enum Kind { SMALL LARGE }
`);

type Shaped = { text: string; data: unknown; misfits: number };

function shape(query: string, data: object, mode: "once" | "shared" = "once", variables = {}): Shaped {
  const operation = inlinedOperation(parse(query));
  const compiler = new ShapeCompiler(schema, variables);
  const complete = compiler.compileRoot(schema.getQueryType()!, operation.selectionSet as SelectionSetNode);
  const run = new ShapeRun(mode);
  const text = JSON.stringify(complete(data, run));
  return { text, data: JSON.parse(text), misfits: run.misfitCount };
}

const plain = (value: unknown) => JSON.parse(JSON.stringify(value));

/** What a service might send: mostly fitting values, now and then null or something else. */
const odd = fc.constantFrom(null, "text", 7, 1.5, true, [], {});
const mostly = <T>(usual: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 24, arbitrary: usual as fc.Arbitrary<unknown> }, { weight: 1, arbitrary: odd });

const { item, box } = fc.letrec((tie) => ({
  item: fc.record({
    __typename: fc.constant("Item"),
    id: mostly(fc.string()),
    next: fc.option(fc.oneof({ maxDepth: 2 }, tie("item"), tie("box"))),
    name: mostly(fc.string()),
    price: mostly(fc.option(fc.integer())),
    tags: mostly(fc.option(fc.array(fc.string(), { maxLength: 2 }))),
    kind: mostly(fc.constantFrom("SMALL", "LARGE")),
    box: fc.option(tie("box"), { maxDepth: 2 }),
  }),
  box: fc.record({
    __typename: fc.constant("Box"),
    id: mostly(fc.string()),
    next: fc.option(tie("item"), { maxDepth: 2 }),
    items: mostly(fc.array(tie("item"), { maxLength: 2 })),
    size: mostly(fc.integer()),
    isOpen: mostly(fc.option(fc.boolean())),
  }),
}));
const tool = fc.record({
  __typename: fc.constant("Tool"),
  id: mostly(fc.string()),
  weight: mostly(fc.integer()),
});
const root = fc.record({
  node: fc.option(fc.oneof(item, box)),
  thing: mostly(tool),
  things: fc.option(fc.array(tool, { maxLength: 3 })),
  grid: mostly(fc.array(fc.option(fc.array(item, { maxLength: 2 })), { maxLength: 2 })),
  any: fc.option(fc.array(fc.oneof(item, box), { maxLength: 3 })),
  item: fc.option(item),
});

const QUERIES = [
  "{ node { id __typename ... on Item { n: name tags next { id ... on Box { size } } } } thing { id } }",
  "{ again: things { id ... on Tool { weight } } things { id } things { ... on Thing { kind: __typename } } }",
  "{ grid { id name kind box { size items { price } } } }",
  "{ any { ... on Node { id } ... on Item { box { isOpen } } ... on Box { size } __typename } }",
  "{ item { ...all box { items { ...all } } } __typename } fragment all on Item { id tags price kind next { ... on Item { name } } }",
];

test("an answer is what graphql-js makes of the same data, whether objects are remembered or not", () => {
  for (const query of QUERIES) expect(validate(schema, parse(query)), query).toEqual([]);
  fc.assert(
    fc.property(fc.constantFrom(...QUERIES), root, (query, data) => {
      const expected = executeSync({ schema, document: parse(query), rootValue: withoutCoercion(data) });
      const { data: shaped, misfits } = shape(query, aliased(data) as object);
      expect(shaped).toEqual(plain(expected.data));
      expect(misfits > 0).toBe(expected.errors !== undefined);
      expect(shape(query, aliased(data) as object, "shared").data).toEqual(shaped);
    }),
    { numRuns: 400 },
  );
});

/** Services answer under the response names of the operation. */
function aliased(data: unknown): unknown {
  if (Array.isArray(data)) return data.map(aliased);
  if (typeof data !== "object" || data === null) return data;
  const copy = Object.fromEntries(Object.entries(data).map(([name, inner]) => [name, aliased(inner)]));
  if ("things" in copy) copy.again = copy.things;
  if ("name" in copy) copy.n = copy.name;
  return copy.__typename === "Tool" ? { ...copy, kind: "Tool" } : copy;
}

/**
 * graphql-js coerces values (1 is true, true is "true"), and a gateway does not. So values of a wrong type
 * throw here.
 */
function withoutCoercion(data: unknown): unknown {
  const wrong = () => {
    throw new Error("a value of another type");
  };
  const right: Record<string, (value: unknown) => boolean> = {
    id: (value) => typeof value === "string" || Number.isInteger(value),
    name: (value) => typeof value === "string",
    price: (value) => typeof value === "number",
    size: (value) => Number.isInteger(value),
    weight: (value) => Number.isInteger(value),
    isOpen: (value) => typeof value === "boolean",
    kind: (value) => value === "SMALL" || value === "LARGE",
  };
  const copy = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(copy);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([name, inner]) => {
        const isObjectField = ["node", "thing", "item", "box", "next"].includes(name);
        if (inner !== null && isObjectField && (typeof inner !== "object" || Array.isArray(inner)))
          return [name, wrong];
        if (inner !== null && right[name] && !right[name](inner)) return [name, wrong];
        return [name, copy(inner)];
      }),
    );
  };
  return copy(data);
}

test("conditions decide which fields an answer has", () => {
  const query = "query ($a: Boolean!) { item { id @include(if: $a) ... @skip(if: $a) { name } } }";
  const data = { item: { id: "1", name: "x" } };
  expect(shape(query, data, "once", { a: true }).data).toEqual({ item: { id: "1" } });
  expect(shape(query, data, "once", { a: false }).data).toEqual({ item: { name: "x" } });
});

test("names that objects inherit are names like any other", () => {
  const query = "{ __proto__: item { constructor: name toString: id } item { id } }";
  const item = JSON.parse('{ "__proto__": { "constructor": "c", "toString": "t" }, "item": { "id": "1" } }');
  expect(shape(query, item).text).toBe('{"__proto__":{"constructor":"c","toString":"t"},"item":{"id":"1"}}');
  expect(shape("{ constructor: item { id } }", {}).data).toEqual({ constructor: null });
});

test("an answer that multiplies beyond bounds is given up, remembered objects and all", () => {
  let box: object = { __typename: "Box", id: "0", items: [] };
  for (let level = 0; level < 12; level++) {
    const item = { __typename: "Item", id: "i", box };
    box = { __typename: "Box", id: "b", items: [item, item, item, item] };
  }
  const nested = Array.from({ length: 12 }).reduce<string>(
    (inner) => `id items { id box { ${inner} } }`,
    "id",
  );
  const startMs = performance.now();
  expect(() =>
    shape(`{ item { box { ${nested} } } }`, { item: { __typename: "Item", id: "r", box } }, "shared"),
  ).toThrow(TooLarge);
  expect(performance.now() - startMs).toBeLessThan(2_000);
});

test("an object of a type that cannot be at its place is null, and the rest of the answer is not", () => {
  const item = { __typename: "Tool", id: "1", name: "x" };
  expect(
    shape("{ item { id } thing { id } }", { item, thing: { __typename: "Tool", id: "2" } }),
  ).toMatchObject({
    data: { item: null, thing: { id: "2" } },
    misfits: 1,
  });
  expect(shape("{ node { id } }", { node: { __typename: "Tool", id: "1" } })).toMatchObject({
    data: { node: null },
  });
  expect(shape("{ any { ... on Item { id } } }", { any: [{ __typename: "Tool" }] })).toMatchObject({
    data: { any: [null] },
  });
  // A subgraph with an interface object knows only the interface's name.
  expect(shape("{ item { id } }", { item: { ...item, __typename: "Node" } })).toMatchObject({
    data: { item: { id: "1" } },
  });
});

test.each([
  [{ id: 9007199254740991 }, "9007199254740991", null],
  [{ id: 9007199254740992, any: 1 }, null, 1],
  [{ id: "1", any: [1] }, "1", [1]],
  [{ id: "1", any: Number.POSITIVE_INFINITY }, "1", null],
])("of %j no digits that are lost are told", (row, id, any) => {
  const types = buildSchema("scalar Any type Query { row: Row } type Row { id: ID any: Any }");
  const operation = inlinedOperation(parse("{ row { id any } }"));
  const complete = new ShapeCompiler(types, {}).compileRoot(types.getQueryType()!, operation.selectionSet);
  const run = new ShapeRun("once");
  const told = complete({ row }, run);
  expect(plain(told)).toEqual({ row: { id, any } });
  expect(run.misfitCount).toBe(Number(id === null) + Number("any" in row && any === null));
});

test("numbers that no Float holds are none", () => {
  expect(shape("{ item { price } }", JSON.parse('{ "item": { "price": 1e999 } }'))).toMatchObject({
    data: { item: { price: null } },
    misfits: 1,
  });
});

test("long texts count by their length, at each place of an object", () => {
  const item = { __typename: "Item", id: "x".repeat(1_000_000), tags: [] };
  const things = Array.from({ length: 40 }, () => item);
  expect(() => shape("{ any { ... on Item { id } } }", { any: things }, "shared")).toThrow(TooLarge);
});

test("long names count by their length, wherever they stand", () => {
  const name = "x".repeat(3_200);
  const sizeWith = (alias: string) => {
    const operation = inlinedOperation(parse(`{ things { ${alias}: id } }`));
    const run = new ShapeRun("once");
    const things = Array.from({ length: 5 }, () => ({ __typename: "Tool", [alias]: "1" }));
    new ShapeCompiler(schema, {}).compileRoot(schema.getQueryType()!, operation.selectionSet)(
      { things },
      run,
    );
    return run.size;
  };
  expect(sizeWith(name) - sizeWith("x")).toBe(5 * 100);
});
