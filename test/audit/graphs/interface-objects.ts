/**
 * Subgraphs that declare an interface as one object type: its fields are added to every type of the
 * interface.
 */
import { type AuditGraph, by, link } from "../graph.ts";

const CROPS = [
  { __typename: "Mango", id: "c1", variety: "Kent", season: 2 },
  { __typename: "Cashew", id: "c2", variety: "Casamance", season: 1 },
];
const NOTES = [
  { id: "c1", stars: 5, comment: "sucrée" },
  { id: "c2", stars: 4, comment: "bien séchée" },
];

const FORGOTTEN =
  "the interface's name, from a subgraph that knows no other, is put over the type that was known";

export const interfaceObjects: AuditGraph = {
  subgraphs: {
    crops: {
      sdl: `${link("key")}
        type Query { crops: [Crop!]! crop(id: ID!): Crop }
        interface Crop @key(fields: "id") { id: ID! variety: String! }
        type Mango implements Crop @key(fields: "id") { id: ID! variety: String! season: Int! }
        type Cashew implements Crop @key(fields: "id") { id: ID! variety: String! roasted: Boolean! }`,
      resolvers: {
        Query: { crops: () => CROPS, crop: (_, { id }) => by(CROPS, "id")({ id }) },
        Crop: { __resolveReference: by(CROPS, "id") },
        Mango: { __resolveReference: by(CROPS, "id") },
        Cashew: { __resolveReference: by(CROPS, "id"), roasted: () => true },
      },
    },
    notes: {
      sdl: `${link("key", "interfaceObject", "external", "requires")}
        type Query { rated: [Crop!]! best: Crop }
        type Crop @key(fields: "id") @interfaceObject {
          id: ID! stars: Int! comment: String
          variety: String! @external
          title: String! @requires(fields: "variety")
        }`,
      resolvers: {
        Query: { rated: () => NOTES, best: () => NOTES[0] },
        Crop: {
          __resolveReference: (reference) => ({ ...by(NOTES, "id")(reference), ...reference }),
          title: ({ variety, stars }) => `${variety} ${"*".repeat(stars)}`,
        },
      },
    },
    // Refers to the field that the second subgraph adds to the interface.
    prizes: {
      sdl: `${link("key", "interfaceObject", "external", "requires")}
        type Crop @key(fields: "id") @interfaceObject {
          id: ID!
          stars: Int! @external
          prize: String @requires(fields: "stars")
        }`,
      resolvers: {
        Crop: {
          __resolveReference: (reference) => reference,
          prize: ({ stars }) => (stars === 5 ? "or" : null),
        },
      },
    },
  },
  cases: [
    { shows: "an interface object's field, of each type", query: "{ crops { id stars comment } }" },
    {
      shows: "in a fragment on one type",
      query: "{ crops { ... on Mango { stars season } ... on Cashew { comment roasted } } }",
      expected: {
        data: {
          crops: [
            { stars: 5, season: 2 },
            { comment: "bien séchée", roasted: true },
          ],
        },
      },
    },
    {
      shows: "from the object to its real type",
      query: "{ rated { __typename id stars variety } best { ... on Mango { season } } }",
      expected: {
        data: {
          rated: [
            { __typename: "Mango", id: "c1", stars: 5, variety: "Kent" },
            { __typename: "Cashew", id: "c2", stars: 4, variety: "Casamance" },
          ],
          best: { season: 2 },
        },
      },
    },
    { shows: "without asking for the type", query: "{ rated { stars } }" },
    {
      shows: "requiring a field of the interface",
      query: "{ crops { title } rated { title } }",
      expected: {
        data: {
          crops: [{ title: "Kent *****" }, { title: "Casamance ****" }],
          rated: [{ title: "Kent *****" }, { title: "Casamance ****" }],
        },
      },
    },
    {
      shows: "one interface object requires a field of another",
      query: "{ crops { prize } rated { prize variety } }",
      expected: {
        data: {
          crops: [{ prize: "or" }, { prize: null }],
          rated: [
            { prize: "or", variety: "Kent" },
            { prize: null, variety: "Casamance" },
          ],
        },
      },
    },
    {
      shows: "a fragment on one type, over the interface object",
      query: "{ rated { id ... on Cashew { roasted prize } } }",
      expected: { data: { rated: [{ id: "c1" }, { id: "c2", roasted: true, prize: null }] } },
      differs: { stock: FORGOTTEN },
    },
    { shows: "under other names", query: "{ crops { variety: comment comment: variety kind: __typename } }" },
  ],
};
