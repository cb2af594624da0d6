/** Parts that several subgraphs share: enums, input objects, arguments, root fields, inaccessible parts. */
import { type AuditGraph, link } from "../graph.ts";

export const intersections: AuditGraph = {
  subgraphs: {
    posts: {
      sdl: `${link("key", "shareable", "inaccessible")}
        type Query {
          parcels(state: State, filter: Filter): [Parcel!]! @shareable
          parcel(id: ID!): Parcel @shareable
          secret: String @inaccessible
          place: Place @shareable
        }
        type Parcel @key(fields: "id") { id: ID! state: State kind: Kind! weight: Int! secretNote: String @inaccessible }
        enum State { SENT ARRIVED LOST @inaccessible }
        enum Kind { LETTER BOX }
        input Filter { heavierThan: Int = 0, limit: Int, sender: String @inaccessible }
        type Place @shareable { name: String! }`,
      resolvers: {
        Query: {
          parcels: (_, { state, filter }) =>
            PARCELS.filter(
              (parcel) => (!state || parcel.state === state) && parcel.weight > (filter?.heavierThan ?? 0),
            ),
          parcel: (_, { id }) => PARCELS.find((parcel) => parcel.id === id),
          place: () => ({ name: "Grande Poste" }),
        },
        Parcel: { __resolveReference: ({ id }) => PARCELS.find((parcel) => parcel.id === id) },
      },
    },
    customs: {
      sdl: `${link("key", "shareable", "inaccessible")}
        type Query {
          parcels(state: State, filter: Filter): [Parcel!]! @shareable
          parcel(id: ID!, language: String): Parcel @shareable
          duty(of: Kind!): Int!
          place: Place @shareable
        }
        type Parcel @key(fields: "id") { id: ID! checked: Boolean! hidden: Hidden @inaccessible }
        type Hidden @inaccessible { reason: String }
        enum State { SENT ARRIVED }
        enum Kind { LETTER BOX }
        input Filter { heavierThan: Int = 0, limit: Int, stamped: Boolean }
        type Place { name: String! @shareable officers: Int! }`,
      resolvers: {
        Query: {
          parcels: () => PARCELS,
          parcel: (_, { id }) => PARCELS.find((parcel) => parcel.id === id),
          duty: (_, { of }) => (of === "BOX" ? 2_000 : 0),
          place: () => ({ name: "Grande Poste", officers: 3 }),
        },
        Parcel: { __resolveReference: ({ id }) => ({ id }), checked: ({ id }) => id === "q1" },
      },
    },
  },
  cases: [
    { shows: "an enum value", query: "{ parcels(state: SENT) { id state kind weight } }" },
    {
      shows: "an enum value in a variable",
      query: "query ($state: State) { parcels(state: $state) { id weight state } }",
      variables: { state: "ARRIVED" },
    },
    {
      shows: "an enum value that clients may not see is null, with an error or without",
      query: '{ parcel(id: "q3") { id state weight } }',
      expected: { data: { parcel: { id: "q3", state: null, weight: 1 } } },
      errors: "either",
    },
    {
      shows: "an input object's field that all subgraphs have",
      query: "{ parcels(filter: { heavierThan: 3 }) { id weight } }",
    },
    {
      shows: "an input object in a variable, with its default",
      query: "query ($filter: Filter = { limit: 2 }) { parcels(filter: $filter) { weight } }",
    },
    {
      shows: "an input field that only one has is refused",
      query: "{ parcels(filter: { stamped: true }) { id } }",
      expected: { data: null },
      errors: true,
    },
    {
      shows: "an inaccessible field is refused",
      query: "{ secret }",
      expected: { data: null },
      errors: true,
    },
    {
      shows: "an inaccessible field of an entity is refused",
      query: '{ parcel(id: "q1") { secretNote } }',
      expected: { data: null },
      errors: true,
    },
    {
      shows: "an argument that only one has is refused",
      query: '{ parcel(id: "q1", language: "wo") { id } }',
      expected: { data: null },
      errors: true,
    },
    {
      shows: "a root field of both, with fields of each",
      query: '{ parcel(id: "q1") { id weight checked } place { name officers } }',
    },
    { shows: "a root field of both, for one of them", query: "{ place { name } duty(of: BOX) }" },
    {
      shows: "an object of a shared root field that has a field in one only",
      query: "{ place { officers } }",
    },
  ],
};

const PARCELS = [
  { id: "q1", state: "SENT", kind: "BOX", weight: 5 },
  { id: "q2", state: "ARRIVED", kind: "LETTER", weight: 2 },
  { id: "q3", state: "LOST", kind: "LETTER", weight: 1 },
];
