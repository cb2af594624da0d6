/**
 * Goal: every operation within the limits is planned once, whatever its name, and a client that sends many
 * does not displace those of others. Method: a type with as many fields as an operation may ask for, and what
 * the graph knows after each operation.
 */
import { parse, specifiedRules, validate } from "graphql";
import { expect, test } from "vitest";
import { asking, startGraph } from "../fixture/engine.ts";
import { DEFAULT_LIMITS } from "../ground/limits.ts";
import { createSizeRule } from "../validation/size-rule.ts";

const numbersTo = (count: number) => Array.from({ length: count }, (_, number) => number);

function startWide(limits: { tokensMax: number }) {
  const fields = numbersTo(limits.tokensMax / 6 - 2);
  const sdl = `type Query { wide: Wide small: Int } type Wide { ${fields.map((number) => `f${number}(a: Int): Int`).join(" ")} }`;
  const resolvers = { Query: { wide: () => ({}), small: () => 1 } };
  /** Six tokens a field; another operation for each salt. */
  const greatest = (salt: number) => fields.map((number) => `f${number}(a: ${salt})`).join(" ");
  return { ...startGraph({ plain: { sdl, resolvers } }, { limits }), greatest };
}

test("the greatest operation that is admitted is planned once, all at once and in parts", async () => {
  const limits = { ...DEFAULT_LIMITS, tokensMax: 4_000 };
  const { graph, greatest } = startWide(limits);
  const [text, inParts] = [`{ wide { ${greatest(1)} } }`, `{ wide { ... @defer { ${greatest(1)} } } }`];
  const document = parse(text, { maxTokens: limits.tokensMax });
  expect(document.tokenCount).toBeGreaterThan(0.99 * limits.tokensMax);
  expect(validate(graph.apiSchema, document, [...specifiedRules, createSizeRule(limits)])).toEqual([]);
  expect(await graph.operation(asking(text))).toBe(await graph.operation(asking(text)));
  expect(await graph.operationInParts(asking(inParts))).toBe(await graph.operationInParts(asking(inParts)));
});

const LIMITS = { ...DEFAULT_LIMITS, tokensMax: 600 };
const { graph, ask, asked, newContext, greatest } = startWide(LIMITS);

test("so is one whose fragments multiply as much as they may", async () => {
  const text = `{ a: wide { ...F } b: wide { ...F } } fragment F on Wide { ${greatest(1).slice(0, -100)} }`;
  expect(validate(graph.apiSchema, parse(text), [createSizeRule(LIMITS)])).toEqual([]);
  expect(await graph.operation(asking(text))).toBe(await graph.operation(asking(text)));
});

test("a client that sends many great ones, one after the other, drives out none that is used more", async () => {
  const others = numbersTo(20).map((number) => `{ wide { f${number} } }`);
  const compiled = () => Promise.all(others.map((text) => graph.operation(asking(text))));
  const first = await compiled();
  for (let use = 0; use < 2; use++) await compiled();
  for (const salt of numbersTo(30)) await graph.operation(asking(`{ wide { ${greatest(salt)} } }`));
  expect(graph.operationCount).toBeLessThan(others.length + 30);
  const again = await compiled();
  expect(first.filter((operation, index) => operation !== again[index])).toHaveLength(0);
});

test("an operation is planned once, whatever it is called and however it is laid out", async () => {
  const before = graph.operationCount;
  const texts = [
    "query A { small }",
    "query B { small }",
    "{ small }",
    "query A {\n  small # the number\n}",
    "query C { small } query D { wide { f50 } }",
  ];
  for (const text of texts)
    await graph.operation({ ...asking(text), operationName: /query [BC]/.exec(text)?.[0].slice(6) });
  expect(graph.operationCount).toBe(before + 1);
  expect(await ask("query E { small }")).toMatchObject({ data: { small: 1 } });
  await graph.operation(asking("query A @skip(if: false) { small }"));
  await graph.operation({ ...asking(texts[4]!), operationName: "D" });
  expect(graph.operationCount).toBe(before + 3);
});

test("so is one of which something is deferred", async () => {
  const before = graph.operationCount;
  for (const name of ["A", "B"])
    await graph.operationInParts(asking(`query ${name} { small ... @defer { wide { f1 } } }`));
  expect(graph.operationCount).toBe(before + 1);
});

test("services are told what the client calls an operation, and which fetch of it it is", async () => {
  const run = async (name: string | undefined, text: string) => {
    const context = newContext();
    context.record.operation = { name, type: "query", hash: undefined };
    asked.length = 0;
    await (await graph.operation(asking(text))).execute({}, context);
    return asked.map(({ query, operationName, body }) => [operationName, query, JSON.parse(body!)]);
  };
  const named = (name: string) => {
    const query = `query ${name}__plain__0{small}`;
    return [[`${name}__plain__0`, query, { query, operationName: `${name}__plain__0`, variables: {} }]];
  };
  expect(await run("A", "query A { small }")).toEqual(named("A"));
  expect(await run("B", "query B { small }")).toEqual(named("B"));
  expect(await run(undefined, "{ small }")).toEqual([
    [undefined, "{small}", { query: "{small}", variables: {} }],
  ]);
});
