/** Unions with different members in each subgraph, and fields whose types differ between subgraphs. */
import { type AuditGraph, by, link } from "../graph.ts";

const BOOKS = [{ __typename: "Book", id: "d1", title: "Une si longue lettre", pages: 165 }];
const FILMS = [{ __typename: "Film", id: "d2", title: "Touki Bouki", minutes: 88 }];
const PLAYS = [{ __typename: "Play", id: "d3", title: "L'Exil d'Albouri", acts: 5 }];

export const unions: AuditGraph = {
  subgraphs: {
    library: {
      sdl: `${link("key", "shareable")}
        type Query { works: [Work!]! work: Work @shareable shelf: Shelf }
        union Work = Book | Film
        type Book @key(fields: "id") { id: ID! title: String! @shareable pages: Int! }
        type Film @key(fields: "id") { id: ID! title: String! @shareable }
        type Shelf @shareable { works: [Work!]! label: String }
        type Reader { id: ID @shareable }
        type Extra { readers: [Reader!]! }
        extend type Query { extra: Extra readers: [Reader!]! }`,
      resolvers: {
        Query: {
          works: () => [...BOOKS, ...FILMS],
          work: () => BOOKS[0],
          shelf: () => ({ label: "A", works: [...FILMS, ...BOOKS] }),
          extra: () => ({ readers: [{ id: "u1" }] }),
          readers: () => [{ id: "u1" }, { id: "u2" }],
        },
        Book: { __resolveReference: by(BOOKS, "id") },
        Film: { __resolveReference: by(FILMS, "id") },
      },
    },
    stage: {
      sdl: `${link("key", "shareable")}
        type Query { performed: [Work!]! work: Work @shareable accounts: [Account!]! }
        union Work = Film | Play | Book
        type Play @key(fields: "id") { id: ID! title: String! acts: Int! }
        type Film @key(fields: "id") { id: ID! title: String! @shareable minutes: Int! }
        type Book @key(fields: "id") { id: ID! }
        type Shelf @shareable { works: [Work!]! label: String }
        union Account = Reader | Admin
        type Reader @key(fields: "id") { id: ID! name: String }
        type Admin { id: ID name: String similar: [Account!]! }`,
      resolvers: {
        Query: {
          performed: () => [...PLAYS, ...FILMS, { __typename: "Book", id: "d1" }],
          work: () => BOOKS[0],
          accounts: () => [
            { __typename: "Reader", id: "u1", name: "Ndella" },
            {
              __typename: "Admin",
              id: "x1",
              name: "Racine",
              similar: [{ __typename: "Reader", id: "u2", name: "Birame" }],
            },
          ],
        },
        Play: { __resolveReference: by(PLAYS, "id") },
        Film: { __resolveReference: by(FILMS, "id") },
        Book: { __resolveReference: by(BOOKS, "id") },
        Reader: { __resolveReference: ({ id }) => ({ id, name: id === "u1" ? "Ndella" : "Birame" }) },
      },
    },
  },
  cases: [
    {
      shows: "members of both subgraphs",
      query: "{ works { __typename ... on Book { title pages } ... on Film { title } } }",
    },
    {
      shows: "a member that this subgraph does not have is not asked of it",
      query: "{ works { __typename ... on Play { acts } ... on Book { id } } }",
    },
    {
      shows: "fields of a member from the other subgraph",
      query:
        "{ works { ... on Film { id title minutes } } performed { ... on Book { pages title } ... on Play { title acts } } }",
    },
    { shows: "no fragment that fits", query: "{ works { ... on Play { id } } }" },
    {
      shows: "a root field of both",
      query: "{ work { __typename ... on Book { title } ... on Film { title } } }",
    },
    {
      shows: "below an object that both share",
      query:
        "{ shelf { label works { __typename ... on Film { minutes } ... on Book { pages } ... on Play { acts } } } }",
    },
    {
      shows: "a field that may be null in one subgraph and not in the other",
      query: "{ readers { id name } accounts { ... on Reader { id name } ... on Admin { id name } } }",
    },
    {
      shows: "the same, nested and under aliases",
      query:
        "{ accounts { ... on Admin { id similar { ... on Reader { id n: name } ... on Admin { id n: name } } } ... on Reader { n: name } } extra { readers { name } } }",
    },
    { shows: "type names alone", query: "{ works { __typename } performed { t: __typename } }" },
  ],
};
