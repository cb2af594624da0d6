/** A graph of three subgraphs, and answers in parts taken from it. */
import { parse } from "graphql";
import type { JsonObject } from "../answer.ts";
import type { Delivery } from "./defer-answer.ts";
import { startGraph } from "./fixture.ts";

interface Thing {
  id: string;
  name: string;
}

const things: Thing[] = [
  { id: "1", name: "Lamp" },
  { id: "2", name: "Chair" },
  { id: "3", name: "Stool" },
];
const byId = (id: string) => things.find((thing) => thing.id === id)!;
const thing = (id: string) => ({
  __typename: "Thing",
  ...byId(id),
  friends: () => things.filter((each) => each.id !== id).map((each) => ({ id: each.id })),
});
const box = { __typename: "Box", id: "b", size: 3, thing: thing("3") };
const val = { x: 1, y: 2, inner: { x: 3, y: 4 } };

/** What a test makes go wrong, or wait. */
export const failing = new Set<string>();
let holding: Promise<void> | undefined;

const failOn = (what: string) => {
  if (failing.has(what)) throw new Error(`no ${what}`);
};

/** Prices do not come before the function that it gives is called. */
export function holdPrices(): () => void {
  const hold = Promise.withResolvers<void>();
  holding = hold.promise;
  return () => {
    holding = undefined;
    hold.resolve();
  };
}

export const { ask, asked, graph, newContext } = startGraph({
  shelf: {
    sdl: `type Query { things: [Thing!]! some: [Thing] one: Thing val: Val nodes: [Node!]! grid: [[Thing!]!]! }
      type Mutation { make(name: String!): Thing! }
      interface Node { id: ID! }
      type Thing implements Node @key(fields: "id") { id: ID! name: String! val: Val friend: Thing friends: [Thing!]! }
      type Box implements Node @key(fields: "id") { id: ID! thing: Thing size: Int }
      type Val { x: Int y: Int inner: Val }`,
    resolvers: {
      Query: {
        things: () => things.map(({ id }) => thing(id)),
        some: () => [thing("1"), null, thing("3")],
        one: () => thing("2"),
        val: () => val,
        nodes: () => [thing("1"), box],
        grid: () => [[thing("1")], [], [thing("2"), thing("1")]],
      },
      Mutation: {
        make: (_: unknown, { name }: { name: string }) => things.find((each) => each.name === name),
      },
      Thing: {
        __resolveReference: ({ id }: { id: string }) => thing(id),
        name: ({ id, name }: Thing) => {
          failOn(`name of ${id}`);
          return name;
        },
        val: () => val,
        friend: ({ id }: Thing) => {
          failOn("friend");
          if (failing.has("friend again")) failing.add("friend");
          return id === "3" ? null : thing("3");
        },
        friends: ({ id }: Thing) => things.filter((each) => each.id !== id).map((each) => thing(each.id)),
      },
      Box: { __resolveReference: () => box },
      Val: {
        y: ({ y }: typeof val) => {
          failOn("y");
          return y;
        },
      },
    },
  },
  prices: {
    sdl: `type Thing @key(fields: "id") { id: ID! price: Int! reviews(first: Int = 2): [Review!]! }
      type Review @key(fields: "id") { id: ID! body: String! about: Thing! }
      type Query { newest: Review }`,
    resolvers: {
      Query: { newest: () => ({ id: "r10" }) },
      Thing: {
        __resolveReference: (key: Thing) => (failing.has(`prices of ${key.id}`) ? null : key),
        price: async ({ id }: Thing) => {
          await holding;
          failOn(`price of ${id}`);
          return Number(id) * 100;
        },
        reviews: ({ id }: Thing, { first }: { first: number }) =>
          Array.from({ length: first }, (_, at) => ({ id: `r${id}${at}`, of: id })),
      },
      Review: {
        __resolveReference: ({ id }: { id: string }) => ({ id, of: id[1] }),
        body: ({ id }: { id: string }) => `said ${id}`,
        about: ({ of }: { of?: string }) => ({ id: of ?? "1" }),
      },
    },
  },
  stock: {
    sdl: `type Thing @key(fields: "id") { id: ID! weight: Int price: Int! @external freight: Int @requires(fields: "price") }`,
    resolvers: {
      Thing: {
        weight: ({ id }: Thing) => {
          failOn(`weight of ${id}`);
          return Number(id);
        },
        freight: ({ price }: { price: number }) => price / 10,
      },
    },
  },
});

export async function begin(query: string, variables: JsonObject = {}, context = newContext()) {
  asked.length = 0;
  const asking = { document: parse(query), operationName: undefined, variables };
  return (await graph.deferredOperation(asking))?.begin(variables, context);
}

/** All deliveries, the first one first; those that came together are one list. */
export async function deliveriesOf(query: string, variables: JsonObject = {}): Promise<Delivery[][]> {
  const answer = (await begin(query, variables))!;
  const all = [[await answer.first()]];
  for (let turn = 0; answer.hasNext && turn < 100; turn++) all.push(await answer.next());
  return JSON.parse(JSON.stringify(all));
}

/** What a client has in the end. */
export function assembled(deliveries: readonly Delivery[]): unknown {
  const root = { data: null as unknown };
  for (const { place, data } of deliveries) {
    let holder: JsonObject = root;
    let key: string | number = "data";
    for (const step of place.path) {
      holder = holder[key] as JsonObject;
      key = step;
    }
    holder[key] = joined(holder[key], data);
  }
  return root.data;
}

function joined(old: unknown, added: unknown): unknown {
  if (Array.isArray(old) && Array.isArray(added)) return added.map((each, at) => joined(old[at], each));
  if (typeof old !== "object" || typeof added !== "object" || old === null || added === null) return added;
  const both: JsonObject = { ...old };
  for (const [name, value] of Object.entries(added)) both[name] = joined(both[name], value);
  return both;
}

/** The deliveries with what is always there left out, for tests that look at single ones. */
export const shown = (deliveries: readonly Delivery[]) =>
  deliveries.map(({ place: { label, path }, data, errors }) => ({
    ...(label && { label }),
    path,
    data,
    ...(errors.length > 0 && { errors: errors.map(({ message, path }) => ({ message, path })) }),
  }));
