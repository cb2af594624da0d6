/**
 * Goal: what an operator added to a local cluster's topology file stays in it. Method: files written over
 * others.
 */
import { parseTopology, partitionsOf } from "@teranga/kit/topology/topology.ts";
import { expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { CITIES, type KeptTopology, topologyText } from "./cities.ts";

const urlOf = (port: number) => (process: string) => `http://127.0.0.1:${port}/${process}`;

test("a city and a subgraph that were added by hand stay, and the cluster's own are where they are now", () => {
  const kept = parse(topologyText(urlOf(1))) as { subgraphs: Record<string, { partitions?: object }> };
  const ziguinchor = {
    name: "Ziguinchor",
    towns: ["Ziguinchor"],
    location: { latitude: 12.6, longitude: -16.3 },
    urls: ["http://127.0.0.1:9/graphql"],
  };
  kept.subgraphs.city!.partitions = { ...kept.subgraphs.city!.partitions, ziguinchor };
  Object.assign(kept.subgraphs, { reviews: { replicas: ["http://127.0.0.1:8/graphql"] } });

  const text = topologyText(urlOf(2), { kept: parse(stringify(kept)) as KeptTopology });
  const topology = parseTopology(text);
  const { partitions, partitionOf } = partitionsOf(topology, "city");
  expect(partitions.map(({ id }) => id).sort()).toEqual([...CITIES.map(({ id }) => id), "ziguinchor"].sort());
  expect(partitionOf("Ziguinchor")).toBe("ziguinchor");
  expect(topology.placements.has("reviews")).toBe(true);
  for (const { id, urls } of partitions)
    expect(urls).toEqual(id === "ziguinchor" ? ziguinchor.urls : [urlOf(2)(`city-${id}`)]);
});

test("a database names its replicas where they are now, and keeps whether it waits for them", () => {
  const replicas = (port: number) => (database: string) =>
    database === "dakar" || database === "catalog"
      ? { [`${database}-2`]: `postgres://127.0.0.1:${port}/${database}` }
      : ({} as Record<string, string>);
  const byHand = topologyText(urlOf(1), { replicasOf: replicas(1) }).replace(
    "dakar\n          synchronous: false",
    "dakar\n          synchronous: true",
  );
  const text = topologyText(urlOf(1), { kept: parse(byHand) as KeptTopology, replicasOf: replicas(2) });
  const topology = parseTopology(text);
  const databases = partitionsOf(topology, "city").partitions.map(({ database }) => database);
  expect(databases).toEqual([
    { replicas: [{ name: "dakar-2", url: "postgres://127.0.0.1:2/dakar" }], synchronous: true },
    undefined,
    undefined,
    undefined,
  ]);
  expect(topology.placements.get("catalog")).toMatchObject({
    database: {
      replicas: [{ name: "catalog-2", url: "postgres://127.0.0.1:2/catalog" }],
      synchronous: false,
    },
  });
});
