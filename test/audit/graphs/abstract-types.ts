/** Interfaces whose types are in several subgraphs, a cycle through an interface, nodes by a global id. */
import { type AuditGraph, by, link } from "../graph.ts";

const WORKSHOPS = [
  { __typename: "Tailor", id: "w1", name: "Chez Ndiaga", since: 1998, machines: 4, nextId: "w2" },
  { __typename: "Smith", id: "w2", name: "Forge Thiam", since: 2004, anvils: 2, nextId: "w1" },
  { __typename: "Tailor", id: "w3", name: "Couture Rama", since: 2015, machines: 9, nextId: null },
];
const APPRENTICES = [
  { __typename: "Apprentice", id: "p1", name: "Lamine", workshopId: "w1" },
  { __typename: "Apprentice", id: "p2", name: "Daba", workshopId: "w2" },
];
const workshop = (id: string | null) => (id === null ? null : by(WORKSHOPS, "id")({ id }));

export const abstractTypes: AuditGraph = {
  subgraphs: {
    workshops: {
      sdl: `${link("key", "shareable")}
        type Query { workshops: [Workshop!]! node(id: ID!): Node @shareable }
        interface Node { id: ID! }
        interface Workshop implements Node { id: ID! name: String! next: Workshop }
        type Tailor implements Workshop & Node @key(fields: "id") { id: ID! name: String! next: Workshop machines: Int! }
        type Smith implements Workshop & Node @key(fields: "id") { id: ID! name: String! next: Workshop anvils: Int! }
        type Apprentice implements Node @key(fields: "id", resolvable: false) { id: ID! }`,
      resolvers: {
        Query: {
          workshops: () => WORKSHOPS,
          node: (_, { id }) => workshop(id) ?? by(APPRENTICES, "id")({ id }),
        },
        Tailor: { __resolveReference: by(WORKSHOPS, "id"), next: ({ nextId }) => workshop(nextId) },
        Smith: { __resolveReference: by(WORKSHOPS, "id"), next: ({ nextId }) => workshop(nextId) },
      },
    },
    registry: {
      sdl: `${link("key", "shareable")}
        type Query { oldest: Registered node(id: ID!): Node @shareable registered: [Registered!]! }
        interface Node { id: ID! }
        interface Registered { since: Int! }
        type Tailor implements Registered & Node @key(fields: "id") { id: ID! since: Int! }
        type Smith implements Registered & Node @key(fields: "id") { id: ID! since: Int! tools: [String!]! }
        type Apprentice implements Node @key(fields: "id", resolvable: false) { id: ID! }`,
      resolvers: {
        Query: {
          oldest: () => WORKSHOPS[0],
          registered: () => WORKSHOPS,
          node: (_, { id }) => workshop(id) ?? by(APPRENTICES, "id")({ id }),
        },
        Tailor: { __resolveReference: by(WORKSHOPS, "id") },
        Smith: { __resolveReference: by(WORKSHOPS, "id"), tools: () => ["marteau", "pince"] },
      },
    },
    apprentices: {
      sdl: `${link("key", "shareable")}
        interface Workshop { apprentices: [Apprentice!]! }
        type Tailor implements Workshop @key(fields: "id") { id: ID! apprentices: [Apprentice!]! }
        type Smith implements Workshop @key(fields: "id") { id: ID! apprentices: [Apprentice!]! }
        type Apprentice @key(fields: "id") { id: ID! name: String! workshop: Workshop! }`,
      resolvers: {
        Tailor: { __resolveReference: (reference) => reference, apprentices: apprenticesOf },
        Smith: { __resolveReference: (reference) => reference, apprentices: apprenticesOf },
        Apprentice: {
          __resolveReference: by(APPRENTICES, "id"),
          workshop: ({ workshopId }) => {
            const { __typename, id } = workshop(workshopId)!;
            return { __typename, id };
          },
        },
      },
    },
  },
  cases: [
    { shows: "a field of the interface", query: "{ workshops { id name } }" },
    {
      shows: "fragments on the types, some of their fields elsewhere",
      query: "{ workshops { name ... on Tailor { machines since } ... on Smith { anvils tools since } } }",
    },
    {
      shows: "a fragment on another interface of the same types",
      query: "{ workshops { ... on Registered { since } ... on Node { id } } }",
    },
    {
      shows: "from the interface of one subgraph to that of another",
      query:
        "{ registered { since ... on Workshop { name next { name } } } oldest { ... on Tailor { machines } } }",
    },
    {
      shows: "a circle through the interface",
      query: "{ workshops { apprentices { name workshop { id name apprentices { id } } } } }",
    },
    {
      shows: "the interface within itself",
      query: "{ workshops { next { name next { name apprentices { name } ... on Smith { tools } } } } }",
    },
    {
      shows: "type names, under an alias too",
      query: "{ workshops { __typename kind: __typename next { __typename } } }",
    },
    {
      shows: "a node by its id",
      query:
        '{ a: node(id: "w2") { id ... on Smith { anvils tools } } b: node(id: "p1") { __typename ... on Apprentice { name } } }',
    },
    { shows: "a node that there is not", query: '{ node(id: "x") { id } workshops { id } }' },
    {
      shows: "fragments in fragments",
      query:
        "{ workshops { ...a } } fragment a on Workshop { ... on Node { ...b } ... on Tailor { ...c } } fragment b on Node { id ... on Smith { tools } } fragment c on Tailor { since next { ...d } } fragment d on Workshop { name }",
    },
    {
      shows: "skipped and included fragments",
      query:
        "query ($yes: Boolean!, $no: Boolean!) { workshops { ... on Tailor @include(if: $yes) { since } ... on Smith @include(if: $no) { tools } ...r @skip(if: $no) } } fragment r on Registered { since @skip(if: $no) }",
      variables: { yes: true, no: false },
    },
  ],
};

function apprenticesOf({ id }: { id: string }) {
  return APPRENTICES.filter(({ workshopId }) => workshopId === id);
}
