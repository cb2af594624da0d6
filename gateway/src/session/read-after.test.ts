/** Goal: exactly the places take part in sessions that must. Method: topologies. */
import { parseTopology } from "@teranga/kit/topology/topology.ts";
import { expect, test } from "vitest";
import { readsOf } from "./read-after.ts";

const database = { replicas: { second: "postgres://replica:5432/shop" } };
const partition = (name: string) => ({
  name,
  default: name === "dakar",
  location: { latitude: 0, longitude: 0 },
  urls: [`http://${name}`],
});

const readsWith = (
  placed: { dakar?: object; catalog?: object },
  mayBeKept?: (subgraph: string) => boolean,
) => {
  const partitions = { dakar: { ...partition("dakar"), ...placed.dakar }, thies: partition("thies") };
  const catalog = { replicas: ["http://catalog"], ...placed.catalog };
  const subgraphs = { catalog, city: { partitions }, orders: { replicas: ["http://orders"] } };
  return Object.fromEntries(readsOf(parseTopology(JSON.stringify({ subgraphs })), mayBeKept));
};

test("without replicas and caches nothing takes part", () => {
  expect(readsWith({})).toEqual({});
  expect(readsOf(undefined).size).toBe(0);
});

test("a partition with a replica takes part for itself, and the services that may use it do", () => {
  expect(readsWith({ dakar: { database } })).toEqual({
    "city/dakar": "own",
    catalog: "others",
    orders: "others",
  });
});

test("so does a service with a replica, and what a cache may keep", () => {
  expect(readsWith({ catalog: { database } })).toEqual({ catalog: "own", orders: "others" });
  expect(readsWith({}, (subgraph) => subgraph === "city")).toEqual({
    "city/dakar": "own",
    "city/thies": "own",
    catalog: "others",
    orders: "others",
  });
});

test("each node of a subgraph is a place of its own, whether a cache keeps its answers or not", () => {
  const nodes = {
    thies: { url: "http://thies", database: "postgres://thies:5432/catalog" },
    dakar: { url: "http://dakar", database: "postgres://dakar:5432/catalog" },
  };
  expect(readsWith({ catalog: { replicas: undefined, nodes } })).toEqual({
    "catalog/thies": "node",
    "catalog/dakar": "node",
    orders: "others",
  });
});
