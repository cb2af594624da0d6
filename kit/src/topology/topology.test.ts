import { expect, test } from "vitest";
import { nodesOf, parseTopology } from "./topology.ts";

const city = (more: string) =>
  `{ name: X, location: { latitude: 14.7, longitude: -17.4 }, urls: ["http://127.0.0.1:1/graphql"], ${more} }`;
const node = (port: number, database = port) =>
  `{ url: "http://127.0.0.1:${port}/graphql", database: "postgres://127.0.0.1:${database}/catalog" }`;
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
    `${file(`x: ${city(`default: true, database: { ${replicas}, synchronous: true }`)}`)}  orders: { replicas: ["http://x"], database: { ${replicas.replace("5432", "5433")} } }`,
  );
  const database = { replicas: [{ name: "x-2", url: "postgres://127.0.0.1:5432/x" }], synchronous: true };
  expect(placements.get("city")).toMatchObject({ partitions: [{ id: "x", database }] });
  const another = [{ name: "x-2", url: "postgres://127.0.0.1:5433/x" }];
  expect(placements.get("orders")).toMatchObject({ database: { replicas: another, synchronous: false } });
  expect(placements.get("catalog")).not.toHaveProperty("database");
});

test("nodes are instances, each with a database of its own", () => {
  const { placements } = parseTopology(
    `subgraphs:\n  catalog: { nodes: { dakar: ${node(1)}, thies: ${node(2)} } }\n  orders: { replicas: ["http://x"] }`,
  );
  expect(placements.get("catalog")).toEqual({
    kind: "replicas",
    subgraph: "catalog",
    urls: ["http://127.0.0.1:1/graphql", "http://127.0.0.1:2/graphql"],
    nodes: [
      { name: "dakar", url: "http://127.0.0.1:1/graphql", database: "postgres://127.0.0.1:1/catalog" },
      { name: "thies", url: "http://127.0.0.1:2/graphql", database: "postgres://127.0.0.1:2/catalog" },
    ],
  });
  expect(nodesOf({ placements }, "catalog").map(({ name }) => name)).toEqual(["dakar", "thies"]);
  expect(nodesOf({ placements }, "orders")).toEqual([]);
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
  [
    "neither replicas nor partitions",
    "subgraphs: { catalog: {} }",
    "needs either replicas, nodes or partitions",
  ],
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
    "database.replicas.c: subgraphs.city.partitions.a.database.replicas.b has this URL too",
  ],
  [
    "replicas of two databases at one URL",
    file(
      `a: ${city("default: true, database: { replicas: { b: postgres://x/y } }")}`,
      `c: ${city("database: { replicas: { d: postgres://x/y } }")}`,
    ),
    "city.partitions.c.database.replicas.d: subgraphs.city.partitions.a.database.replicas.b has this URL too",
  ],
  [
    "two instances at one URL",
    'subgraphs: { a: { replicas: ["http://x", "http://x"] } }',
    "subgraphs.a.replicas.1: subgraphs.a.replicas.0 has this URL too",
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
  [
    "a subgraph with replicas and nodes",
    `subgraphs: { a: { replicas: ["http://x"], nodes: { b: ${node(1)} } } }`,
    "subgraphs.a: needs either replicas, nodes or partitions",
  ],
  ["a subgraph without a node", "subgraphs: { a: { nodes: {} } }", "subgraphs.a.nodes: there is none"],
  [
    "two nodes with one database",
    `subgraphs: { a: { nodes: { b: ${node(1)}, c: ${node(2, 1)} } } }`,
    "subgraphs.a.nodes.c.database: b has it too",
  ],
  [
    "two nodes at one URL",
    `subgraphs: { a: { nodes: { b: ${node(1)}, c: ${node(1, 2)} } } }`,
    "subgraphs.a.nodes.c.url: b has it too",
  ],
  ["a node that is there twice", `subgraphs: { a: { nodes: { b: ${node(1)}, b: ${node(2)} } } }`, "unique"],
  [
    "a node's name that is too long for a slot",
    `subgraphs: { a: { nodes: { ${"b".repeat(31)}: ${node(1)} } } }`,
    "has more than 30 characters",
  ],
  [
    "nodes with replicas of their database",
    `subgraphs: { a: { nodes: { b: ${node(1)} }, database: { replicas: { c: postgres://x/y } } } }`,
    "subgraphs.a.database: each of its nodes has a database of its own",
  ],
  ["no YAML", "subgraphs: [", ""],
  ["nothing", "", "the document"],
])("%s is refused", (_name, text, message) => {
  expect(() => parseTopology(text)).toThrowError(message);
});
