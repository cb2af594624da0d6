/**
 * Fields that require others: from other subgraphs, from one another, nested, through fragments on
 * interfaces, in a cycle.
 */
import { type AuditGraph, by, link } from "../graph.ts";

const BOATS = [
  {
    id: "b1",
    name: "Yaay Fall",
    length: 14,
    owner: { __typename: "Company", name: "Kayar Pêche", ninea: "004" },
  },
  {
    id: "b2",
    name: "Mame Coumba",
    length: 9,
    owner: { __typename: "Fisher", name: "Modou", licence: "K-7" },
  },
  { id: "b3", name: "Sans nom", length: null, owner: null },
];
const CREWS = [
  { id: "b1", size: 12, captain: { name: "Pape", years: 20 } },
  { id: "b2", size: 4, captain: { name: "Modou", years: 6 } },
  { id: "b3", size: 2, captain: null },
];

const ALIAS =
  "what is required is read under the field's own name, which the client has given to another field";

export const requires: AuditGraph = {
  subgraphs: {
    boats: {
      sdl: `${link("key", "shareable", "external", "requires")}
        type Query { boats: [Boat!]! boat(id: ID!): Boat }
        type Boat @key(fields: "id") {
          id: ID! name: String! length: Int owner: Owner
          danger: Int @external
          insurance: Int @requires(fields: "danger")
        }
        interface Owner { name: String! }
        type Company implements Owner { name: String! ninea: String! }
        type Fisher implements Owner { name: String! licence: String! }`,
      resolvers: {
        Query: { boats: () => BOATS, boat: (_, { id }) => by(BOATS, "id")({ id }) },
        Boat: {
          __resolveReference: (reference) => ({ ...by(BOATS, "id")(reference), ...reference }),
          insurance: ({ danger }) => danger && danger * 1_000,
        },
      },
    },
    crews: {
      sdl: `${link("key", "external", "requires")}
        type Boat @key(fields: "id") {
          id: ID! size: Int! captain: Captain
          length: Int @external
          places: Int @requires(fields: "length")
        }
        type Captain { name: String! years: Int! }`,
      resolvers: {
        Boat: {
          __resolveReference: (reference) => ({ ...by(CREWS, "id")(reference), ...reference }),
          places: ({ length, size }) => length && length - size,
        },
      },
    },
    coastguard: {
      sdl: `${link("key", "external", "requires")}
        type Boat @key(fields: "id") {
          id: ID!
          length: Int @external
          places: Int @external
          captain: Captain @external
          owner: Owner @external
          insurance: Int @external
          danger: Int @requires(fields: "places captain { years }")
          papers: String @requires(fields: "owner { name ... on Company { ninea } ... on Fisher { licence } }")
          fine: Int @requires(fields: "insurance length")
          both: String @requires(fields: "length captain { name }")
        }
        type Captain @external { name: String! years: Int! }
        interface Owner { name: String! }
        type Company implements Owner @external { name: String! ninea: String! }
        type Fisher implements Owner @external { name: String! licence: String! }`,
      resolvers: {
        Boat: {
          __resolveReference: (reference) => reference,
          danger: ({ places, captain }) => (captain ? 100 - captain.years - places : null),
          papers: ({ owner }) => owner && `${owner.name} ${owner.ninea ?? owner.licence}`,
          fine: ({ insurance, length }) => insurance && insurance / length,
          both: ({ length, captain }) => `${captain?.name} ${length}`,
        },
      },
    },
  },
  cases: [
    { shows: "one field of another subgraph", query: "{ boats { places } }" },
    {
      shows: "what is required is not in the answer unless it was asked for",
      query: '{ boat(id: "b1") { id places } }',
      expected: { data: { boat: { id: "b1", places: 2 } } },
    },
    {
      shows: "a chain: what is required requires more",
      query: '{ boat(id: "b2") { danger } }',
      expected: { data: { boat: { danger: 89 } } },
    },
    {
      shows: "a circle of subgraphs: the first needs what the third makes of the second",
      query: '{ boat(id: "b1") { insurance } }',
      expected: { data: { boat: { insurance: 78_000 } } },
    },
    { shows: "twice around the circle", query: '{ boat(id: "b2") { fine insurance danger places } }' },
    {
      shows: "fragments on the types of an interface, in what is required",
      query: "{ boats { papers } }",
      expected: {
        data: { boats: [{ papers: "Kayar Pêche 004" }, { papers: "Modou K-7" }, { papers: null }] },
      },
    },
    {
      shows: "null in what is required is given as null",
      query: '{ boat(id: "b3") { places danger both fine } }',
    },
    { shows: "of two subgraphs at once", query: "{ boats { both length captain { years } } }" },
    {
      shows: "under other names than those that are required",
      query: "{ boats { length: name name: length p: places d: danger } }",
      expected: {
        data: {
          boats: [
            { length: "Yaay Fall", name: 14, p: 2, d: 78 },
            { length: "Mame Coumba", name: 9, p: 5, d: 89 },
            { length: "Sans nom", name: null, p: null, d: null },
          ],
        },
      },
      errors: "either",
      differs: { stock: ALIAS },
    },
    {
      shows: "in a fragment, and again outside of it",
      query:
        "{ boats { ...danger insurance } } fragment danger on Boat { danger captain { name } owner { __typename } }",
    },
  ],
};
