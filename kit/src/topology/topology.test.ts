import { expect, test } from "vitest";
import { parseTopology } from "./topology.ts";

const city = (more: string) =>
  `{ name: X, location: { latitude: 14.7, longitude: -17.4 }, urls: ["http://127.0.0.1:1/graphql"], ${more} }`;
const file = (...partitions: string[]) =>
  `subgraphs:\n  catalog: { replicas: ["http://127.0.0.1:2/graphql"] }\n  city:\n    partitions:\n${partitions.map((line) => `      ${line}\n`).join("")}`;

test("placements and partitions, in the file's order", () => {
  const { placements } = parseTopology(
    file(`thies: ${city("towns: [Thiès, Mbour]")}`, `autres: ${city("default: true")}`),
  );
  expect([...placements.values()].map(({ kind, subgraph }) => `${subgraph} ${kind}`)).toEqual([
    "catalog replicas",
    "city partitions",
  ]);
  const placement = placements.get("city")!;
  if (placement.kind !== "partitions") throw new Error("not partitioned");
  expect(placement.partitions.map(({ id, claims, isDefault }) => ({ id, claims, isDefault }))).toEqual([
    { id: "thies", claims: ["Thiès", "Mbour"], isDefault: false },
    { id: "autres", claims: [], isDefault: true },
  ]);
  expect(placement.partitionOf("MBOUR")).toBe("thies");
});

test("a database with replicas", () => {
  const replicas = "replicas: { x-2: postgres://127.0.0.1:5432/x }";
  const { placements } = parseTopology(
    `${file(`x: ${city(`default: true, database: { ${replicas}, synchronous: true }`)}`)}  orders: { replicas: ["http://x"], database: { ${replicas} } }`,
  );
  const database = { replicas: [{ name: "x-2", url: "postgres://127.0.0.1:5432/x" }], synchronous: true };
  expect(placements.get("city")).toMatchObject({ partitions: [{ id: "x", database }] });
  expect(placements.get("orders")).toMatchObject({ database: { ...database, synchronous: false } });
  expect(placements.get("catalog")).not.toHaveProperty("database");
});

test.each([
  ["no default city", file(`thies: ${city("")}`), "none has it"],
  [
    "two default cities",
    file(`a: ${city("default: true")}`, `b: ${city("default: true")}`),
    "a and b have it",
  ],
  [
    "two cities that claim a town",
    file(`a: ${city("default: true, towns: [Mbour]")}`, `b: ${city("towns: [MBOUR]")}`),
    '"mbour" is claimed by a and by b',
  ],
  ["an unknown field", file(`a: ${city("default: true, colour: red")}`), "colour"],
  [
    "a URL that is none",
    file("a: { name: X, default: true, location: { latitude: 1, longitude: 1 }, urls: [nowhere] }"),
    "subgraphs.city.partitions.a.urls.0",
  ],
  [
    "a place that is nowhere",
    file('a: { name: X, default: true, location: { latitude: 99, longitude: 1 }, urls: ["http://x"] }'),
    "location.latitude",
  ],
  ["a name in capitals", file(`Dakar: ${city("default: true")}`), "Dakar"],
  ["neither replicas nor partitions", "subgraphs: { catalog: {} }", "needs either replicas or partitions"],
  ["an unknown field of a location", file("a: { location: { altitude: 3 } }"), "altitude"],
  [
    "an unknown field of a subgraph",
    "subgraphs: { a: { replica: [] } }",
    'subgraphs.a: Unrecognized key: "replica"',
  ],
  ["an unknown field of the file", "partitions: {}\nsubgraphs: {}", "partitions"],
  ["no subgraphs", "subgraphs: {}", "subgraphs: there is none"],
  [
    "a database URL with a password",
    file(`a: ${city("default: true, database: { replicas: { b: postgres://me:secret@x/y } }")}`),
    "subgraphs.city.partitions.a.database.replicas.b: must have neither user nor password",
  ],
  [
    "two replicas at one URL",
    file(`a: ${city("default: true, database: { replicas: { b: postgres://x/y, c: postgres://x/y } }")}`),
    "subgraphs.city.partitions.a.database.replicas.c: b has this URL too",
  ],
  [
    "a database without replicas",
    file(`a: ${city("default: true, database: { replicas: {}, synchronous: true }")}`),
    "subgraphs.city.partitions.a.database.replicas: there is none",
  ],
  [
    "a database of all partitions",
    `${file(`a: ${city("default: true")}`)}    database: { replicas: { b: postgres://x/y } }`,
    "subgraphs.city.database: each of its partitions has a database of its own",
  ],
  ["a partition that is there twice", file(`a: ${city("default: true")}`, `a: ${city("")}`), "unique"],
  ["no YAML", "subgraphs: [", ""],
  ["nothing", "", "the document"],
])("%s is refused", (_name, text, message) => {
  expect(() => parseTopology(text)).toThrowError(message);
});
