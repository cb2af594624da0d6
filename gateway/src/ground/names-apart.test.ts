/**
 * Goal: the planner's fetches bring what each field requires, whatever else the client asks for and however
 * it names it, and the answer shows nothing of this. Method: two subgraphs, and the list of what they were
 * asked.
 */
import { operationFromDocument } from "@apollo/federation-internals";
import { QueryPlanner } from "@apollo/query-planner";
import { type GraphQLObjectType, parse } from "graphql";
import { expect, test } from "vitest";
import { startGraph } from "../fixture/engine.ts";
import { withoutStandIns } from "../planning/plan-stand-ins.ts";
import { plannerGraph } from "../planning/planner-graph.ts";
import { clientPath } from "./names-apart.ts";

const BOATS = [
  { id: "b1", name: "Yaay Fall", catches: [14, 9, 11] },
  { id: "b2", name: "Mame Coumba", catches: [3, 8] },
];

/** A harbour that knows the boats, and a scale that needs their catch. */
function startBoats() {
  return startGraph({
    harbour: {
      sdl: `type Query { boats: [Boat] boat: Boat! }
        type Boat @key(fields: "id") { id: ID! name: String catches(days: Int!): [Int!] apart_1: Int }`,
      resolvers: {
        Query: { boats: () => BOATS, boat: () => BOATS[0] },
        Boat: {
          __resolveReference: ({ id }: { id: string }) => BOATS.find((boat) => boat.id === id),
          name: ({ id, name }: (typeof BOATS)[0]) => {
            if (id === "b2") throw new Error("no paint left");
            return name;
          },
          catches: ({ id, catches }: (typeof BOATS)[0], { days }: { days: number }) => {
            if (id === "b2" && days > 2) throw new Error("not so many days");
            return catches.slice(0, days);
          },
          apart_1: () => 1,
        },
      },
    },
    scale: {
      sdl: `type Boat @key(fields: "id") {
          id: ID! catches(days: Int!): [Int!] @external
          week: Int @requires(fields: "catches(days: 7)")
          best: Int @requires(fields: "catches(days: 2)")
          paint: String sister: Boat
        }`,
      resolvers: {
        Boat: {
          __resolveReference: (reference: object) => reference,
          week: ({ catches }: { catches: number[] | null }) =>
            catches?.reduce((sum, kilos) => sum + kilos, 0),
          best: ({ catches }: { catches: number[] | null }) => catches && Math.max(...catches),
          paint: () => "blue",
          sister: () => ({ id: "b2" }),
        },
      },
    },
  });
}

test("a field that is required with arguments has a name apart; what is asked for once stays one fetch", async () => {
  const { ask } = startBoats();
  const { data, asked } = await ask("{ boat { week catches(days: 1) } }");
  expect(data).toEqual({ boat: { week: 34, catches: [14] } });
  expect(asked.map(({ subgraph, query }) => `${subgraph} ${query}`)).toEqual([
    "harbour {boat{__typename id apart_2:catches(days:7)catches(days:1)}}",
    "scale query($representations:[_Any!]!){_entities(representations:$representations){...on Boat{week}}}",
  ]);
  expect(asked[1]!.variables).toEqual({
    representations: [{ __typename: "Boat", id: "b1", catches: [14, 9, 11] }],
  });
});

test("the same with two sets of arguments is told in two fetches, and what needs nothing goes with the first", async () => {
  const { ask } = startBoats();
  const { data, asked } = await ask("{ boat { best paint week } }");
  expect(data).toEqual({ boat: { best: 14, paint: "blue", week: 34 } });
  expect(asked.map(({ subgraph, query }) => `${subgraph} ${query.slice(query.indexOf("..."))}`)).toEqual([
    "harbour }",
    "scale ...on Boat{best paint}}}",
    "scale ...on Boat{week}}}",
  ]);
  const sent = asked.map(({ variables }) => (variables?.representations as object[] | undefined)?.[0]);
  expect(sent.slice(1)).toEqual([
    { __typename: "Boat", id: "b1", catches: [14, 9] },
    { __typename: "Boat", id: "b1", catches: [14, 9, 11] },
  ]);
});

test("what is deferred until such fetches are over waits for the last of them", () => {
  const { supergraph, standIns } = plannerGraph(startBoats().graph.supergraph);
  const planner = new QueryPlanner(supergraph, { incrementalDelivery: { enableDefer: true } });
  const document = parse("{ boat { best week sister { ... @defer { name } } } }");
  const plan = planner.buildQueryPlan(operationFromDocument(supergraph.apiSchema(), document));
  const { node } = withoutStandIns(plan, standIns);
  if (node?.kind !== "Defer" || node.primary.node?.kind !== "Sequence") throw new Error("another plan");
  const [, flattened] = node.primary.node.nodes;
  const [part] = node.deferred;
  expect(part!.depends).toHaveLength(1);
  expect(flattened).toMatchObject({
    kind: "Flatten",
    node: {
      kind: "Sequence",
      nodes: [{ serviceName: "scale" }, { serviceName: "scale", ...part!.depends[0] }],
    },
  });
  expect(JSON.stringify(flattened).match(/"id":"/g)).toHaveLength(1);
});

test("an error is at the client's name, or at the object where the client asked for nothing", async () => {
  const { ask } = startBoats();
  const { data, errors } = await ask("{ boats { id: name week } }");
  expect(data).toEqual({
    boats: [
      { id: "Yaay Fall", week: 34 },
      { id: null, week: null },
    ],
  });
  expect(errors).toEqual([
    { message: "no paint left", path: ["boats", 1, "id"] },
    { message: "not so many days", path: ["boats", 1] },
  ]);
});

test("names that begin like those apart are names like any others", async () => {
  const { ask } = startBoats();
  const { data } = await ask("{ boat { apart_1 apart_2: paint apart_id: id apart_apart_1: name week } }");
  const expected = { apart_1: 1, apart_2: "blue", apart_id: "b1", apart_apart_1: "Yaay Fall", week: 34 };
  expect(data).toEqual({ boat: expected });
});

test("what the schema tells of itself has the client's names", async () => {
  const { ask } = startBoats();
  const { data } = await ask(
    '{ id: __type(name: "Boat") { id: name } apart_a: __schema { queryType { id: name } } }',
  );
  expect(data).toEqual({ id: { id: "Boat" }, apart_a: { queryType: { id: "Query" } } });
});

test("clients do not see what stands in for fields", () => {
  const { graph } = startBoats();
  const boat = graph.apiSchema.getType("Boat") as GraphQLObjectType;
  const names = ["apart_1", "best", "catches", "id", "name", "paint", "sister", "week"];
  expect(Object.keys(boat.getFields()).sort()).toEqual(names);
});

test.each([
  [
    ["boats", 1, "apart_id"],
    ["boats", 1, "id"],
  ],
  [
    ["boats", 1, "apart_2", 0],
    ["boats", 1],
  ],
  [
    ["boats", 1, "apart_apart_1"],
    ["boats", 1, "apart_1"],
  ],
  [
    ["boats", 1, "id"],
    ["boats", 1, "id"],
  ],
])("the place %j is %j to a client", (place, seen) => {
  expect(clientPath(place)).toEqual(seen);
});
