/**
 * Keys with `resolvable: false`: they say which entity is meant, but the subgraph cannot be asked for an
 * entity by them.
 */
import { type AuditGraph, link } from "../graph.ts";

const BOOKS = [
  { id: "k1", isbn: "978-1", shelf: { room: "A", place: 3 }, title: "Une si longue lettre" },
  { id: "k2", isbn: "978-2", shelf: { room: "B", place: 1 }, title: "L'Aventure ambiguë" },
];
const KEY = { stock: "the planner goes back by the first key, which the subgraph cannot resolve" };

export const resolvableKeys: AuditGraph = {
  subgraphs: {
    titles: {
      sdl: `${link("key")}
        type Book @key(fields: "id") @key(fields: "isbn", resolvable: false) { id: ID! isbn: ID! title: String! }`,
      resolvers: { Book: { __resolveReference: ({ id }) => BOOKS.find((book) => book.id === id) } },
    },
    shelves: {
      sdl: `${link("key", "external", "requires")}
        type Query { books: [Book!]! }
        type Book
          @key(fields: "isbn", resolvable: false)
          @key(fields: "id", resolvable: false)
          @key(fields: "id shelf { room place }")
          @key(fields: "shelf { place }", resolvable: false) {
          id: ID! isbn: ID! shelf: Shelf!
          title: String! @external
          spine: String! @requires(fields: "title")
        }
        type Shelf { room: String! place: Int! }`,
      resolvers: {
        Query: { books: () => BOOKS.map(({ title: _, ...book }) => book) },
        Book: {
          __resolveReference: (reference) => (reference.shelf?.room && reference.id ? reference : null),
          spine: ({ title, shelf }) => `${title} (${shelf.room}${shelf.place})`,
        },
      },
    },
  },
  cases: [
    {
      shows: "back into a subgraph by the one key that it can resolve",
      differs: KEY,
      errors: "either",
      query: "{ books { id title spine } }",
      expected: {
        data: {
          books: [
            { id: "k1", title: "Une si longue lettre", spine: "Une si longue lettre (A3)" },
            { id: "k2", title: "L'Aventure ambiguë", spine: "L'Aventure ambiguë (B1)" },
          ],
        },
      },
    },
    {
      shows: "another subgraph by the key that both have",
      query: "{ books { isbn title shelf { place } } }",
    },
  ],
};
