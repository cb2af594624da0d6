/**
 * Our own graph with any number of cities, and a small graph with the same rows, partitioned or not.
 *
 * The schemas are the real ones. The services behind them compute the answers to the benchmark's few queries
 * from the city's id.
 */
import { readFileSync } from "node:fs";
import { buildSubgraphSchema } from "@apollo/subgraph";
import { compose } from "@teranga/schema/compose.ts";
import { type GraphQLSchema, parse } from "graphql";

export const cityId = (index: number) => `c${index}`;

type UrlOf = (path: string) => string;

/**
 * The text of a topology as JSON, which is also YAML.
 * @param sickUrl the URL of city 1, if it is not with the others
 */
export function countryTopology(cities: number, urlOf: UrlOf, sickUrl = urlOf(cityId(1))): string {
  const place = (id: string) => (id === cityId(1) ? sickUrl : urlOf(id));
  return JSON.stringify({
    subgraphs: {
      catalog: { replicas: [urlOf("catalog")] },
      orders: { replicas: [urlOf("orders")] },
      city: { partitions: partitions(cities, place) },
    },
  });
}

/** The text of a topology for the small graph. */
export function rowsTopology(partitioned: boolean, cities: number, urlOf: UrlOf): string {
  const replicas = (name: string) => ({ replicas: [urlOf(name)] });
  const rows = partitioned
    ? { rows0: { partitions: partitions(cities, (id) => urlOf(`rows/${id}`)) } }
    : Object.fromEntries(KINDS.map((kind) => [`rows${kind}`, replicas(`rows${kind}`)]));
  return JSON.stringify({ subgraphs: { lists: replicas("lists"), ...rows } });
}

function partitions(cities: number, urlOf: UrlOf): object {
  return Object.fromEntries(
    Array.from({ length: cities }, (_, index) => [
      cityId(index),
      {
        name: `Ville ${index}`,
        default: index === 0,
        towns: [`Bourg ${index}`],
        location: { latitude: 14, longitude: -16 },
        urls: [urlOf(cityId(index))],
      },
    ]),
  );
}

const readSdl = (name: string) =>
  readFileSync(new URL(`../../../schema/${name}.graphql`, import.meta.url), "utf8");

interface CityContext {
  city: string;
}

const CITY_RESOLVERS = {
  Query: {
    client: (_: unknown, { id }: { id: string }, { city }: CityContext) => ({
      id,
      name: `Awa ${id}`,
      email: `awa-${city}@example.org`,
      town: `Bourg ${city}`,
      city: { id: city },
    }),
    city: (_: unknown, __: unknown, { city }: CityContext) => cityOf(city),
    cities: (_: unknown, __: unknown, { city }: CityContext) => [cityOf(city)],
  },
  City: { __resolveReference: ({ id }: { id: string }) => cityOf(id) },
};

function cityOf(id: string) {
  return {
    id,
    name: `Ville ${id}`,
    towns: [`Bourg ${id}`],
    isDefault: id === cityId(0),
    location: { latitude: 14, longitude: -16 },
  };
}

const SPEC = `
  @link(url: "https://teranga.dev/partition/v1.0", import: ["@partition"])
  @composeDirective(name: "@partition")
  directive @partition(by: String!) on OBJECT | FIELD_DEFINITION\n`;

/** Four kinds of rows, each in a subgraph of its own, so that no gateway can send the four fetches as one. */
const KINDS = [0, 1, 2, 3];

/** The SDL of rows: partitioned by city, or one kind of rows that is not partitioned. */
function rowsSdl(kind: number, partitioned: boolean): string {
  return `extend schema
    @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key", "@composeDirective"])
    ${partitioned ? SPEC : ""}
    type Row${kind} @key(fields: "id") ${partitioned ? '@partition(by: "id")' : ""} { id: ID! name: String! town: String! level: Int! note: String }`;
}

function listsSdl(kinds: readonly number[]): string {
  return `extend schema @link(url: "https://specs.apollo.dev/federation/v2.3", import: ["@key"])
    type Query { ${kinds.map((kind) => `rows${kind}(cities: [String!]!, count: Int!): [Row${kind}]!`).join(" ")} }
    ${kinds.map((kind) => `type Row${kind} @key(fields: "id", resolvable: false) { id: ID! }`).join("\n")}`;
}

/** Returns `count` rows, from the cities in turn. */
function listRows(_: unknown, { cities, count }: { cities: string[]; count: number }) {
  return Array.from({ length: count }, (_, index) => ({ id: `${cities[index % cities.length]}:${index}` }));
}

function rowOf({ id }: { id: string }) {
  return {
    id,
    name: `Rangée ${id}`,
    town: "Tivaouane",
    level: id.length,
    note: "au fond à gauche, derrière les sacs de riz",
  };
}

/** The schema of each service by its name; `city` and `rows` stand for all of their partitions. */
export function countrySchemas(): Map<string, GraphQLSchema> {
  const build = (sdl: string, resolvers: object) =>
    buildSubgraphSchema([{ typeDefs: parse(sdl), resolvers: { ...resolvers } }]);
  const rowResolvers = (kind: number) => ({ [`Row${kind}`]: { __resolveReference: rowOf } });
  return new Map([
    ["city", build(readSdl("city"), CITY_RESOLVERS)],
    ["catalog", build(readSdl("catalog"), {})],
    ["orders", build(readSdl("orders"), {})],
    [
      "lists",
      build(listsSdl(KINDS), { Query: Object.fromEntries(KINDS.map((kind) => [`rows${kind}`, listRows])) }),
    ],
    ["rows", build(rowsSdl(0, true), rowResolvers(0))],
    ...KINDS.map((kind) => [`rows${kind}`, build(rowsSdl(kind, false), rowResolvers(kind))] as const),
  ]);
}

/** The real graph's supergraph. */
export function countrySupergraph(): string {
  const names = ["catalog", "city", "orders"];
  return compose(names.map((name) => ({ name, url: `http://${name}/graphql`, sdl: readSdl(name) })))
    .supergraphSdl;
}

/**
 * The supergraph with the lists of references in one subgraph, and the rows in one partitioned subgraph or in
 * one plain subgraph for each kind.
 */
export function rowsSupergraph(partitioned: boolean): string {
  const kinds = partitioned ? [0] : KINDS;
  const place = (name: string, sdl: string) => ({ name, url: `http://${name}/graphql`, sdl });
  const rows = kinds.map((kind) => place(`rows${kind}`, rowsSdl(kind, partitioned)));
  return compose([place("lists", listsSdl(kinds)), ...rows]).supergraphSdl;
}
