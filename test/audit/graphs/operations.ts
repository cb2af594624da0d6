/**
 * The features of operations: variables, aliases, conditions, type names, introspection, mutations in order,
 * and nulls and errors that propagate upwards.
 */
import { type AuditGraph, by, link } from "../graph.ts";

const TEAMS = [
  { id: "g1", name: "Jaraaf", founded: 1969, colours: ["vert", "blanc"] },
  { id: "g2", name: "Casa Sports", founded: 1960, colours: ["vert"] },
];
const RESULTS = [
  { id: "g1", points: 40, strict: 40 },
  { id: "g2", points: null, strict: null },
];
const fail = () => {
  throw new Error("no such thing");
};
let count = 0;

export const operations: AuditGraph = {
  subgraphs: {
    teams: {
      sdl: `${link("key", "shareable")}
        type Query { teams(first: Int = 2): [Team!]! team(id: ID!): Team grid: [[Team]] fails: Team failsToo: [Team!] now: Int! @shareable }
        type Mutation { reset: Int! add(by: Int!): Int! rename(id: ID!, name: String!): Team }
        type Team @key(fields: "id") { id: ID! name(upper: Boolean = false): String! founded: Int! colours: [String!]! rival: Team broken: String }`,
      resolvers: {
        Query: {
          teams: (_, { first }) => TEAMS.slice(0, first),
          team: (_, { id }) => by(TEAMS, "id")({ id }),
          grid: () => [[TEAMS[0], null], [], null, [TEAMS[1]]],
          fails: fail,
          failsToo: fail,
          now: () => 7,
        },
        Mutation: {
          reset: () => {
            count = 0;
            return count;
          },
          add: (_, { by }) => {
            count += by;
            return count;
          },
          rename: (_, { id, name }) => ({ ...by(TEAMS, "id")({ id }), name }),
        },
        Team: {
          __resolveReference: by(TEAMS, "id"),
          name: ({ name }, { upper }) => (upper ? name.toUpperCase() : name),
          rival: ({ id }) => TEAMS.find((team) => team.id !== id),
          broken: fail,
        },
      },
    },
    results: {
      sdl: `${link("key", "shareable")}
        type Query { now: Int! @shareable }
        type Mutation { double: Int! }
        type Team @key(fields: "id") { id: ID! points: Int strict: Int! odd: Int list: [Int!] broken2: String }`,
      resolvers: {
        Mutation: {
          double: () => {
            count *= 2;
            return count;
          },
        },
        Query: { now: () => 7 },
        Team: {
          __resolveReference: by(RESULTS, "id"),
          odd: fail,
          list: ({ points }) => [1, points],
          broken2: fail,
        },
      },
    },
  },
  cases: [
    {
      shows: "variables, defaults and aliases",
      query:
        "query ($first: Int = 1, $upper: Boolean) { teams(first: $first) { a: name(upper: $upper) b: name(upper: true) id points } }",
    },
    {
      shows: "a variable for the other subgraph alone",
      query: "query ($with: Boolean!) { teams { id points @include(if: $with) } }",
      variables: { with: true },
    },
    {
      shows: "include and skip, together",
      query:
        "query ($a: Boolean!, $b: Boolean!) { teams { id x: name @include(if: $a) @skip(if: $b) points @skip(if: $a) founded @include(if: $b) } }",
      variables: { a: true, b: false },
    },
    {
      shows: "a whole subgraph left out",
      query: "query ($with: Boolean!) { teams { id ... @include(if: $with) { points strict } } }",
      variables: { with: false },
    },
    { shows: "everything left out", query: "{ teams @skip(if: true) { id } __typename }" },
    {
      shows: "a field in twice, once left out",
      query: "query ($no: Boolean!) { teams { points @include(if: $no) points } }",
      variables: { no: false },
    },
    {
      shows: "conditions on nested fragments",
      query:
        "query ($a: Boolean!, $b: Boolean!) { teams { ...x @include(if: $a) } } fragment x on Team { name ... on Team @skip(if: $b) { points rival @include(if: $a) { points } } }",
      variables: { a: true, b: false },
    },
    {
      shows: "type names at the root and below",
      query: "{ __typename t: __typename teams { __typename points } }",
    },
    { shows: "lists of lists with holes", query: "{ grid { name points } }" },
    { shows: "one of several operations", query: "query Q { teams { id } }" },
    {
      shows: "the same field merged from many places",
      query:
        '{ team(id: "g1") { rival { name } } team(id: "g1") { rival { points } ...f } } fragment f on Team { rival { founded rival { points } } }',
    },
    {
      shows: "nothing but an introspection",
      query: "{ __schema { queryType { name } types { name kind } } }",
    },
    {
      shows: "an introspection beside data",
      query:
        '{ __type(name: "Team") { fields { name type { name kind ofType { name } } args { name defaultValue } } } teams { id points } }',
    },
    {
      shows: "mutations in order, over two subgraphs",
      query: "mutation { reset add(by: 2) double more: add(by: 3) again: double }",
      expected: { data: { reset: 0, add: 2, double: 4, more: 7, again: 14 } },
    },
    {
      shows: "a mutation whose object has fields elsewhere",
      query: 'mutation ($id: ID!) { rename(id: $id, name: "Renommé") { id name points } }',
      variables: { id: "g1" },
    },
    {
      shows: "null where null may not be goes up to what may be null",
      query: '{ team(id: "g2") { id strict } teams(first: 1) { id strict } }',
      expected: { data: { team: null, teams: [{ id: "g1", strict: 40 }] } },
      errors: true,
    },
    {
      shows: "null in a list of none goes up to the list",
      query: '{ team(id: "g2") { id list points } }',
      expected: { data: { team: { id: "g2", list: null, points: null } } },
      errors: true,
    },
    {
      shows: "null where null may not be, in a list of none, goes up to the root",
      query: "{ teams { strict } now }",
      expected: { data: null },
      errors: true,
    },
    {
      shows: "a field that fails costs itself",
      query: "{ teams { id broken points odd } fails { id } failsToo { id } now }",
      expected: {
        data: {
          teams: [
            { id: "g1", broken: null, points: 40, odd: null },
            { id: "g2", broken: null, points: null, odd: null },
          ],
          fails: null,
          failsToo: null,
          now: 7,
        },
      },
      errors: true,
    },
    {
      shows: "a variable of a wrong type is refused",
      query: "query ($first: Int) { teams(first: $first) { id } }",
      variables: { first: "two" },
      expected: { data: null },
      errors: true,
    },
    {
      shows: "a field that there is not is refused",
      query: "{ teams { nothing } }",
      expected: { data: null },
      errors: true,
    },
  ],
};
