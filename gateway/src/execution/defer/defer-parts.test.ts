/**
 * Goal: each part of an answer comes as early as it can, once, at its place, with its own errors. Method:
 * single operations whose services fail, or wait until they are released.
 */
import { afterEach, expect, test } from "vitest";
import {
  asked,
  begin,
  deliveriesOf,
  failing,
  holdPrices,
  newContext,
  shown,
} from "../../fixture/deferred.ts";
import type { JsonObject } from "../../ground/answer.ts";
import { Run } from "../run.ts";
import { TooLarge } from "../shape/shape-run.ts";
import { copyShared, fetchAll, goOnFrom } from "./defer-run.ts";
import { Fetching } from "./fetching.ts";

afterEach(() => failing.clear());

test("each place of a fragment is delivered on its own, with its label, and those that are there together come together", async () => {
  const [first, rest, ...more] = await deliveriesOf(`{ some { name ... @defer(label: "later") { price } } }`);
  expect(shown(first!)).toEqual([{ path: [], data: { some: [{ name: "Lamp" }, null, { name: "Stool" }] } }]);
  expect(shown(rest!)).toEqual([
    { label: "later", path: ["some", 0], data: { price: 100 } },
    { label: "later", path: ["some", 2], data: { price: 300 } },
  ]);
  expect(more).toEqual([]);
});

test("a slow service holds up neither the first part nor the other fragments", async () => {
  const release = holdPrices();
  const answer = (await begin(`{ one { name ... @defer { price } ... @defer { weight } } }`))!;
  expect(shown([await answer.first()])).toEqual([{ path: [], data: { one: { name: "Chair" } } }]);
  expect(shown(await answer.next())).toEqual([{ path: ["one"], data: { weight: 2 } }]);
  expect(answer.hasNext).toBe(true);
  release();
  expect(shown(await answer.next())).toEqual([{ path: ["one"], data: { price: 200 } }]);
  expect(answer.hasNext).toBe(false);
});

test("what is deferred is fetched as soon as it can be, and delivered after what is around it", async () => {
  const release = holdPrices();
  const answer = (await begin(`{ one { price ... @defer { weight } } }`))!;
  const first = answer.first();
  await expect.poll(() => asked.map(({ subgraph }) => subgraph)).toEqual(["shelf", "prices", "stock"]);
  release();
  expect(shown([await first])).toEqual([{ path: [], data: { one: { price: 200 } } }]);
  expect(shown(await answer.next())).toEqual([{ path: ["one"], data: { weight: 2 } }]);
});

test("an error of a deferred part is told with its own place, and so is the null that comes of it", async () => {
  failing.add("price of 2");
  const [first, rest] = await deliveriesOf(`{ things { id ... @defer { name price } } }`);
  expect(shown(first!)[0]!.errors).toBeUndefined();
  expect(shown(rest!)).toEqual([
    { path: ["things", 0], data: { name: "Lamp", price: 100 } },
    {
      path: ["things", 1],
      data: null,
      errors: [{ message: "no price of 2", path: ["things", 1, "price"] }],
    },
    { path: ["things", 2], data: { name: "Stool", price: 300 } },
  ]);
});

test("an error that a fetch of the first part brings for a later one waits for it", async () => {
  failing.add("y");
  const [first, rest] = await deliveriesOf(`{ val { x ... @defer { y } } }`);
  expect(asked).toHaveLength(1);
  expect(shown(first!)).toEqual([{ path: [], data: { val: { x: 1 } } }]);
  expect(shown(rest!)).toEqual([
    { path: ["val"], data: { y: null }, errors: [{ message: "no y", path: ["val", "y"] }] },
  ]);
});

test("a part that is fetched again and fails takes nothing from the others", async () => {
  const release = holdPrices();
  failing.add("friend again");
  const answer = (await begin(`{
    one { friend { name ... @defer(label: "a") { price } } }
    ... @defer(label: "b") { one { friend { weight } } }
  }`))!;
  await answer.first();
  expect(shown(await answer.next())).toEqual([
    {
      label: "b",
      path: [],
      data: { one: { friend: null } },
      errors: [{ message: "no friend", path: ["one", "friend"] }],
    },
  ]);
  release();
  expect(shown(await answer.next())).toEqual([{ label: "a", path: ["one", "friend"], data: { price: 300 } }]);
});

test("what stands at several places is copied once", () => {
  let object: JsonObject = { id: "1" };
  for (let level = 0; level < 60; level++) object = { left: object, list: [object] };
  const copy = copyShared(object, { copiesLeft: 121 }) as { left: unknown; list: unknown[] };
  // Not with `toBe`, whose failure message would print all places.
  expect([copy.left === copy.list[0], copy.left === object.left]).toEqual([true, false]);
  expect(() => copyShared(object, { copiesLeft: 120 })).toThrow(TooLarge);
});

test("a part for which there is too much to copy fetches nothing", async () => {
  const fetching = new Fetching();
  const around = new Run({}, newContext(), fetching);
  Object.assign(around.data, { one: { id: "2" } });
  fetching.copiesLeft = 1;
  const run = new Run({}, newContext(), fetching);
  goOnFrom(around, run, fetching);
  const stepped: unknown[] = [];
  const plan = { awaitsParent: false, awaitedFetches: new Set<string>(), fetchIds: ["0"], weight: 0 };
  await fetchAll({ ...plan, step: (own) => void stepped.push(own) }, run, fetching);
  await fetching.whenOver("0");
  expect([run.isTooLarge, stepped, run.errors]).toEqual([true, [], []]);
});

test("an error of a field that the client has not asked for is told where something is missing because of it", async () => {
  failing.add("price of 2");
  const [, rest] = await deliveriesOf(`{ one { name ... @defer { freight } } }`);
  expect(shown(rest!)).toEqual([
    {
      path: ["one"],
      data: { freight: null },
      errors: [{ message: "no price of 2", path: ["one", "price"] }],
    },
  ]);
});

test("a null that nothing explains is told as a fault, with the part it is in", async () => {
  failing.add("prices of 2");
  const [, rest] = await deliveriesOf(`{ things { id ... @defer { price } } }`);
  expect(shown(rest!).map(({ data, errors }) => [data, errors?.map(({ path }) => path)])).toEqual([
    [{ price: 100 }, undefined],
    [null, [["things", 1, "price"]]],
    [{ price: 300 }, undefined],
  ]);
});

test("all parts together are bounded as one answer is", async () => {
  const level = (inner: string): string => `friends { reviews(first: 30) { about { id ${inner} } } }`;
  const large = level(level(level("")));
  const query = (name: string) => `{ one { id ${name} } }`;
  const part = `... @defer(label: "LABEL") { ${large} }`;
  const both = await deliveriesOf(query(part.replace("LABEL", "a") + part.replace("LABEL", "b")));
  const codes = both.flat().map(({ errors }) => errors.map(({ extensions }) => extensions?.code));
  expect(codes).toEqual([[], [], ["ANSWER_TOO_LARGE"]]);
});

test("nothing is delivered at a place that the client was not given", async () => {
  failing.add("name of 1");
  const all = await deliveriesOf(
    `{ things { id name ... @defer { price ... @defer { weight } } } val { ... @defer { x } } }`,
  );
  expect(shown(all.flat())).toEqual([
    {
      path: [],
      data: null,
      errors: [{ message: "no name of 1", path: ["things", 0, "name"] }],
    },
  ]);
  failing.clear();
  failing.add("price of 1");
  const nested = await deliveriesOf(
    `{ one { friend { id } } things { id ... @defer { price ... @defer { weight } } } }`,
  );
  expect(shown(nested.flat()).map(({ path, data }) => [path.join("."), data])).toEqual([
    ["", { one: { friend: { id: "3" } }, things: [{ id: "1" }, { id: "2" }, { id: "3" }] }],
    ["things.0", null],
    ["things.1", { price: 200 }],
    ["things.2", { price: 300 }],
    ["things.1", { weight: 2 }],
    ["things.2", { weight: 3 }],
  ]);
});

test("conditions decide what is deferred and what is answered at all", async () => {
  const query = `query ($a: Boolean!, $b: Boolean = false, $c: Boolean = true) {
    one { id ... @defer(if: $a) { name } ... @defer(if: $b) { price } ... @defer @include(if: $c) { weight } }
  }`;
  const all = async (variables: JsonObject) =>
    shown((await deliveriesOf(query, variables)).flat()).map(({ data }) => data);
  expect(await all({ a: true })).toEqual([
    { one: { id: "2", price: 200 } },
    { name: "Chair" },
    { weight: 2 },
  ]);
  expect(await all({ a: false, b: true, c: false })).toEqual([
    { one: { id: "2", name: "Chair" } },
    { price: 200 },
  ]);
  expect(
    await begin(`query ($a: Boolean!) { one { id ... @defer(if: $a) { name } } }`, { a: false }),
  ).toBeUndefined();
  expect(await begin(`{ one { id ... @defer(if: false) { name } } }`)).toBeUndefined();
  expect(await begin(`{ one { id name } }`)).toBeUndefined();
  expect(await begin(`mutation { ... @defer { make(name: "Lamp") { id } } }`)).toBeUndefined();
});

test("variables that do not fit begin nothing: the executor refuses them", async () => {
  expect(
    await begin(`query ($a: Boolean!) { one { id ... @defer(if: $a) { name } } }`, { a: "yes" }),
  ).toBeUndefined();
  expect(
    await begin(`query ($n: Int) { one { id ... @defer { reviews(first: $n) { id } } } }`, { n: "x" }),
  ).toBeUndefined();
  const nulled = `query ($n: Boolean = true) { one { id ... @defer @include(if: $n) { name } } }`;
  expect(await begin(nulled, { n: null })).toBeUndefined();
  expect(asked).toEqual([]);
});

test("so many fragments are deferred, and the others are answered with what is around them", async () => {
  const query = `{ one { ${Array.from({ length: 25 }, (_, at) => `... @defer { w${at}: weight }`).join(" ")} } }`;
  const all = (await deliveriesOf(query)).flat();
  expect(all).toHaveLength(21);
  expect(Object.keys((all[0]!.data as { one: JsonObject }).one)).toEqual(["w20", "w21", "w22", "w23", "w24"]);
});

test("when the client has gone, nothing is asked that has not been asked", async () => {
  const release = holdPrices();
  const answer = (await begin(`{ one { name ... @defer { freight ... @defer { weight } } } }`))!;
  await answer.first();
  await expect.poll(() => asked.map(({ subgraph }) => subgraph)).toContain("prices");
  answer.end();
  expect(answer.hasNext).toBe(false);
  const before = asked.length;
  release();
  expect(await answer.next()).toEqual([]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(asked.filter(({ query }) => query.includes("freight"))).toEqual([]);
  expect(asked.length).toBe(before);
});

test("the parts of one answer share its bounds", async () => {
  const context = newContext();
  context.budget.places = 2;
  const answer = (await begin(`{ things { id ... @defer { price } } }`, {}, context))!;
  const first = await answer.first();
  expect(first.errors.map(({ extensions, path }) => [extensions.code, path])).toEqual([
    ["ANSWER_TOO_LARGE", ["things", 2]],
  ]);
  expect(shown(await answer.next()).map(({ path }) => path)).toEqual([
    ["things", 0],
    ["things", 1],
  ]);
});

test("what a part asks has the deadline of the whole answer, not one of its own", async () => {
  const context = newContext();
  const deadlines: number[] = [];
  const placements = new Map(context.network.placements);
  for (const [name, placement] of placements) {
    if (placement.kind !== "replicas") continue;
    const asking: typeof placement.ask = (request, terms) => {
      deadlines.push(terms.deadlineAtMs);
      return placement.ask(request, terms);
    };
    placements.set(name, { ...placement, ask: asking });
  }
  // Earlier than the deadline of any fetch, which is 5 s from its beginning.
  const deadlineAtMs = performance.now() + 1_000;
  const query = `{ one { name ... @defer { price ... @defer { freight reviews { about { weight } } } } } }`;
  const answer = (await begin(
    query,
    {},
    { ...context, network: { ...context.network, placements }, deadlineAtMs },
  ))!;
  await answer.first();
  while (answer.hasNext) await answer.next();
  expect(deadlines.length).toBeGreaterThan(3);
  expect(new Set(deadlines)).toEqual(new Set([deadlineAtMs]));
});
