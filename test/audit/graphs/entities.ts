/**
 * Entities and their keys: single, several, composite, nested, in lists, null; and objects that are reached
 * only through a parent.
 */
import { type AuditGraph, by, link } from "../graph.ts";

const LINES = [
  { id: "l1", code: "DDD-1", name: "Dakar Dem Dikk 1", stopIds: ["s1", "s2"] },
  { id: "l2", code: "DDD-7", name: "Dakar Dem Dikk 7", stopIds: ["s2", "s9", "s3"] },
];
const STOPS = [
  { id: "s1", place: { area: "Plateau", number: 1 }, name: "Sandaga", shelter: true },
  { id: "s2", place: { area: "Médina", number: 4 }, name: "Tilène", shelter: false },
  { id: "s3", place: { area: "Grand Yoff", number: 2 }, name: "Scat Urbam", shelter: true },
];
const stopAt = ({ place }: { place: { area: string; number: number } }) =>
  STOPS.find((stop) => stop.place.area === place.area && stop.place.number === place.number) ?? null;
/** The third trip has no stop; the fourth names a stop that does not exist. */
const TRIPS = [
  { id: "t1", lineCode: "DDD-1", stopId: "s1", fare: { zone: "A" } },
  { id: "t2", lineCode: "DDD-7", stopId: "s3", fare: { zone: "B" } },
  { id: "t3", lineCode: "DDD-7", stopId: null, fare: { zone: "A" } },
  { id: "t4", lineCode: "DDD-0", stopId: "s9", fare: null },
];

export const entities: AuditGraph = {
  subgraphs: {
    trips: {
      sdl: `${link("key", "shareable")}
        type Query { trips: [Trip!]! trip(id: ID!): Trip }
        type Trip @key(fields: "id") { id: ID! line: Line stop: Stop fare: Fare @shareable }
        type Line @key(fields: "code", resolvable: false) { code: String! }
        type Stop @key(fields: "id", resolvable: false) { id: ID! }
        type Fare { zone: String! @shareable }`,
      resolvers: {
        Query: { trips: () => TRIPS, trip: (_, { id }) => by(TRIPS, "id")({ id }) },
        Trip: {
          __resolveReference: by(TRIPS, "id"),
          line: ({ lineCode }) => ({ code: lineCode }),
          stop: ({ stopId }) => stopId && { id: stopId },
        },
      },
    },
    lines: {
      sdl: `${link("key")}
        type Line @key(fields: "code") @key(fields: "id") { id: ID! code: String! name: String! stops: [Stop] }
        type Stop @key(fields: "id", resolvable: false) { id: ID! }`,
      resolvers: {
        Line: {
          __resolveReference: (reference) => by(LINES, "id" in reference ? "id" : "code")(reference),
          stops: ({ stopIds }) => (stopIds as string[]).map((id) => ({ id })),
        },
      },
    },
    numbers: {
      sdl: `${link("key", "shareable")}
        type Stop @key(fields: "id") { id: ID! place: Place! @shareable }
        type Place @shareable { area: String! number: Int! }`,
      resolvers: { Stop: { __resolveReference: by(STOPS, "id") } },
    },
    shelters: {
      sdl: `${link("key", "shareable")}
        type Stop @key(fields: "place { area number }") { place: Place! @shareable name: String! shelter: Boolean! }
        type Place @shareable { area: String! number: Int! }`,
      resolvers: { Stop: { __resolveReference: stopAt } },
    },
    fares: {
      sdl: `${link("key", "shareable")}
        type Trip @key(fields: "id") { id: ID! fare: Fare @shareable }
        type Fare { zone: String! @shareable price: Int! currency: String! }`,
      resolvers: {
        Trip: { __resolveReference: by(TRIPS, "id") },
        Fare: { price: ({ zone }) => (zone === "A" ? 150 : 300), currency: () => "XOF" },
      },
    },
  },
  cases: [
    {
      shows: "one step from an entity to another subgraph",
      query: '{ trip(id: "t1") { id line { name } } }',
    },
    {
      shows: "an entity that nobody knows, in a list, is null and costs its neighbours nothing",
      query: "{ trips { id line { code name } } }",
      expected: {
        data: {
          trips: [
            { id: "t1", line: { code: "DDD-1", name: "Dakar Dem Dikk 1" } },
            { id: "t2", line: { code: "DDD-7", name: "Dakar Dem Dikk 7" } },
            { id: "t3", line: { code: "DDD-7", name: "Dakar Dem Dikk 7" } },
            { id: "t4", line: null },
          ],
        },
      },
      errors: "either",
    },
    {
      shows: "a key that has first to be fetched by another key",
      query: '{ trip(id: "t1") { stop { name shelter } } }',
      expected: { data: { trip: { stop: { name: "Sandaga", shelter: true } } } },
    },
    {
      shows: "composite keys from a list of lists, some of them unknown",
      errors: "either",
      query: "{ trips { line { stops { id place { area } name } } } }",
    },
    { shows: "null where the key would be", query: '{ trip(id: "t3") { stop { name } line { id } } }' },
    { shows: "a second key of the same entity", errors: "either", query: "{ trips { line { id code } } }" },
    {
      shows: "an object without a key is reached through its parent",
      query: "{ trips { fare { zone price currency } } }",
      expected: {
        data: {
          trips: [
            { fare: { zone: "A", price: 150, currency: "XOF" } },
            { fare: { zone: "B", price: 300, currency: "XOF" } },
            { fare: { zone: "A", price: 150, currency: "XOF" } },
            { fare: null },
          ],
        },
      },
    },
    {
      shows: "the same entities in two places of one answer",
      errors: "either",
      query:
        '{ a: trip(id: "t2") { line { stops { name } } } b: trip(id: "t2") { stop { name shelter place { number area } } } }',
    },
    { shows: "nothing at all", query: '{ trip(id: "none") { stop { name } line { name } } trips { id } }' },
  ],
};
