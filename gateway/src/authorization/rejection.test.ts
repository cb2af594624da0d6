/**
 * Goal: where refused fields are not left out, the operation is not carried out at all: with
 * AUTHORIZATION_MODE=reject, and always with the stock engine. And what is deferred is refused in its part.
 */
import { VISITOR } from "@teranga/kit/identity/identity.ts";
import { parse } from "graphql";
import { beforeAll, expect, test } from "vitest";
import { requestOf } from "../fixture/engine.ts";
import { CLIENT, startGuarded } from "../fixture/guarded.ts";
import type { JsonObject } from "../ground/answer.ts";
import type { Engine } from "../planning/engine.ts";

const rejecting = startGuarded({ authorizationMode: "reject" });
const nulling = startGuarded();
const engines = new Map<string, { engine: Engine; graph: typeof rejecting }>([
  ["ours", { engine: rejecting.graph, graph: rejecting }],
]);
beforeAll(async () => {
  engines.set("apollo", { engine: await nulling.startApollo(), graph: nulling });
});

test.each(["ours", "apollo"])(
  "%s refuses the whole, once a field, with 403, and does nothing",
  async (name) => {
    const { engine, graph } = engines.get(name)!;
    const ask = async (query: string, identity = VISITOR, variables: JsonObject = {}) => {
      graph.asked.length = 0;
      const context = graph.newContext(identity);
      const { data, errors = [] } = await engine.execute(requestOf(engine, query, { variables, context }));
      return {
        data,
        errors: errors.map(({ path, extensions }) => ({ path, extensions })),
        asked: graph.asked.length,
      };
    };
    const query = "{ free people { email again: email name } }";
    expect(await ask(query)).toEqual({
      data: undefined,
      asked: 0,
      errors: [
        {
          path: undefined,
          extensions: {
            code: "UNAUTHORIZED_FIELD",
            coordinate: "Person.email",
            directive: "@policy",
            needs: [["own client"], ["own city"]],
            http: { status: 403 },
          },
        },
        {
          path: undefined,
          extensions: {
            code: "UNAUTHORIZED_FIELD",
            coordinate: "Person.name",
            directive: "@authenticated",
            http: { status: 403 },
          },
        },
      ],
    });
    const { data, asked } = await ask(query, CLIENT);
    expect(asked).toBe(1);
    expect(data).toMatchObject({ free: 1, people: [{ email: "1@example.sn", name: "name 1" }, {}, {}] });
    expect(await ask("mutation { note restock }", CLIENT)).toMatchObject({ data: undefined, asked: 0 });
    const conditional = "query ($a: Boolean!) { free guarded @include(if: $a) }";
    expect((await ask(conditional, VISITOR, { a: true })).errors).toHaveLength(1);
    expect(await ask(conditional, VISITOR, { a: false })).toMatchObject({ data: { free: 1 }, errors: [] });
  },
);

/** The parts of an answer, as `path data errors`. */
async function partsOf(query: string) {
  const asking = { document: parse(query), operationName: undefined, variables: {} };
  nulling.asked.length = 0;
  const answer = await nulling.graph.beginDeferred(asking, nulling.newContext());
  if (!answer) return undefined;
  const parts = [await answer.first()];
  while (answer.hasNext) parts.push(...(await answer.next()));
  return parts.map(({ place, data, errors }) => [
    place.path.join("."),
    JSON.parse(JSON.stringify(data)),
    errors.map(({ path, extensions }) => `${path?.join(".")} ${extensions.coordinate}`),
  ]);
}

test("what is deferred is refused in its part", async () => {
  expect(await partsOf("{ free person { id ... @defer { email age } } }")).toEqual([
    ["", { free: 1, person: { id: "1" } }, []],
    ["person", { email: null, age: 21 }, ["person.email Person.email"]],
  ]);
  expect(await partsOf("{ person { email ... @defer { born code } } }")).toEqual([
    ["", { person: { email: null } }, ["person.email Person.email"]],
    ["person", null, ["person.born Person.born", "person.code Person.code"]],
  ]);
  expect(
    await partsOf("{ wallet { ... @defer { balance owner { id } } } box { size ... @defer { weight } } }"),
  ).toEqual([
    ["", { wallet: null, box: { size: 1 } }, ["wallet Query.wallet"]],
    ["box", { weight: null }, ["box.weight Box.weight"]],
  ]);
  expect(nulling.asked.map(({ query }) => query)).toEqual(["{box{size}}"]);
  expect(await partsOf("{ must person { id ... @defer { age } } }")).toBeUndefined();
});

test("nothing of an operation that is rejected is begun", async () => {
  const asking = {
    document: parse("{ free person { id ... @defer { email } } }"),
    operationName: undefined,
    variables: {},
  };
  expect(await rejecting.graph.beginDeferred(asking, rejecting.newContext())).toBeUndefined();
});
