/**
 * Fields that a subgraph provides on one path only (`@provides`): on objects, interfaces and unions, and
 * nested.
 */
import { type AuditGraph, by, link } from "../graph.ts";

const SONGS = [
  { __typename: "Song", id: "m1", title: "Set", artist: { id: "a1" } },
  { __typename: "Song", id: "m2", title: "Yaral Sa Doom", artist: { id: "a2" } },
];
const SHOWS = [{ __typename: "Show", id: "e1", title: "Grand Bal", artist: { id: "a1" } }];
const ARTISTS = [
  { id: "a1", name: "Youssou Ndour", label: { name: "Xippi", town: "Dakar" } },
  { id: "a2", name: "Oumou Sow", label: { name: "Studio 2000", town: "Dakar" } },
];
const artistOf = ({ artist }: { artist: { id: string } }) => by(ARTISTS, "id")(artist);

export const provides: AuditGraph = {
  subgraphs: {
    radio: {
      sdl: `${link("key", "provides", "external", "shareable")}
        type Query {
          played: [Song!]! @provides(fields: "title artist { name }")
          known: [Song!]!
          items: [Item!]! @provides(fields: "... on Song { title } ... on Show { title }")
          works: [Work!]! @provides(fields: "... on Song { title }")
        }
        union Item = Song | Show
        interface Work { id: ID! }
        type Song implements Work @key(fields: "id") { id: ID! title: String! @external artist: Artist @shareable }
        type Show implements Work @key(fields: "id") { id: ID! title: String! @external artist: Artist @shareable }
        type Artist @key(fields: "id") { id: ID! name: String! @external }`,
      resolvers: {
        Query: {
          // The other spelling shows which subgraph has answered.
          played: () =>
            SONGS.map((song) => ({ ...song, title: song.title.toUpperCase(), artist: artistOf(song) })),
          known: () => SONGS.map(({ id, artist }) => ({ id, artist })),
          items: () => [...SONGS, ...SHOWS].map((item) => ({ ...item, title: item.title.toUpperCase() })),
          works: () => [...SHOWS, ...SONGS].map((item) => ({ ...item, title: item.title.toUpperCase() })),
        },
        Song: { __resolveReference: by(SONGS, "id") },
        Show: { __resolveReference: by(SHOWS, "id") },
      },
    },
    archive: {
      sdl: `${link("key", "shareable")}
        type Song @key(fields: "id") { id: ID! title: String! @shareable artist: Artist @shareable seconds: Int! }
        type Show @key(fields: "id") { id: ID! title: String! @shareable artist: Artist @shareable }
        type Artist @key(fields: "id") { id: ID! name: String! @shareable label: Label }
        type Label { name: String! town: String! }`,
      resolvers: {
        Song: { __resolveReference: by(SONGS, "id"), artist: artistOf, seconds: ({ title }) => title.length },
        Show: { __resolveReference: by(SHOWS, "id"), artist: artistOf },
        Artist: { __resolveReference: by(ARTISTS, "id") },
      },
    },
  },
  cases: [
    {
      shows: "what is provided comes from where it is provided",
      query: "{ played { title } }",
      expected: { data: { played: [{ title: "SET" }, { title: "YARAL SA DOOM" }] } },
    },
    {
      shows: "without the path it does not",
      query: "{ known { title } }",
      expected: { data: { known: [{ title: "Set" }, { title: "Yaral Sa Doom" }] } },
    },
    { shows: "nested", query: "{ played { artist { name } } }" },
    {
      shows: "nested, beside what is not provided",
      query: "{ played { seconds artist { name label { town } } } known { artist { name } } }",
    },
    {
      shows: "on the members of a union",
      query: "{ items { __typename ... on Song { title } ... on Show { title } } }",
    },
    {
      shows: "on the members of a union, with more",
      query: "{ items { ... on Song { title seconds } ... on Show { id artist { name } } } }",
    },
    { shows: "on an interface", query: "{ works { id ... on Song { title } } }" },
    {
      shows: "on an interface whose other type has it elsewhere",
      query: "{ works { id ... on Song { title } ... on Show { title } } }",
    },
  ],
};
