/** Fields that move from one subgraph to another. */
import { type AuditGraph, by, link } from "../graph.ts";

const STALLS = [
  { __typename: "FishStall", id: "k1", number: 12, rent: 4_000, keeper: "Astou" },
  { __typename: "ClothStall", id: "k2", number: 30, rent: 9_000, keeper: "Samba" },
];
const of = (type: string) => STALLS.filter((stall) => stall.__typename === type);

export const override: AuditGraph = {
  subgraphs: {
    old: {
      sdl: `${link("key")}
        type Query { stalls: [Stall!]! fish: [FishStall!]! first: FishStall }
        interface Stall { id: ID! number: Int! }
        type FishStall implements Stall @key(fields: "id") {
          id: ID! number: Int! keeper: String rent: Int debt: Int tax: Int
        }
        type ClothStall implements Stall @key(fields: "id") { id: ID! number: Int! }`,
      resolvers: {
        Query: { stalls: () => STALLS, fish: () => of("FishStall"), first: () => ({ id: "never asked" }) },
        FishStall: {
          __resolveReference: (reference) => ({ ...by(STALLS, "id")(reference), ...reference }),
          keeper: () => "of the old one",
          rent: () => -1,
          tax: () => -1,
          debt: ({ number }) => number * 100,
        },
        ClothStall: { __resolveReference: by(STALLS, "id"), number: () => -1 },
      },
    },
    new: {
      sdl: `${link("key", "override", "external", "requires")}
        type Query { byKeeper(name: String!): FishStall first: FishStall @override(from: "old") }
        type FishStall @key(fields: "id") {
          id: ID!
          keeper: String @override(from: "old")
          rent: Int @override(from: "old")
          area: Int
          debt: Int @external
          tax: Int @override(from: "old") @requires(fields: "debt")
        }
        type ClothStall @key(fields: "id") { id: ID! number: Int! @override(from: "old") keeper: String }`,
      resolvers: {
        Query: {
          byKeeper: (_, { name }) => STALLS.find(({ keeper }) => keeper === name),
          first: () => STALLS[0],
        },
        FishStall: {
          __resolveReference: (reference) => ({ ...by(STALLS, "id")(reference), ...reference }),
          area: ({ number }) => number * 2,
          tax: ({ debt }) => debt / 10,
        },
        ClothStall: { __resolveReference: by(STALLS, "id") },
      },
    },
  },
  cases: [
    {
      shows: "the new one answers, wherever the path begins",
      query: '{ fish { keeper } byKeeper(name: "Astou") { keeper } }',
      expected: { data: { fish: [{ keeper: "Astou" }], byKeeper: { keeper: "Astou" } } },
    },
    {
      shows: "a root field",
      query: "{ first { id keeper } }",
      expected: { data: { first: { id: "k1", keeper: "Astou" } } },
    },
    {
      shows: "a field that requires where it has moved to",
      query: "{ fish { tax area } }",
      expected: { data: { fish: [{ tax: 120, area: 24 }] } },
    },
    {
      shows: "through an interface of whose types only one field has moved",
      query: "{ stalls { id number } }",
      expected: {
        data: {
          stalls: [
            { id: "k1", number: 12 },
            { id: "k2", number: 30 },
          ],
        },
      },
    },
    {
      shows: "in fragments on the interface's types",
      query: "{ stalls { ... on FishStall { keeper tax } ... on ClothStall { number keeper } } }",
    },
  ],
};
