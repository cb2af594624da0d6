/**
 * Migrates the databases of a cluster to the schema that the services expect, and loads the sample data into
 * empty ones.
 */
import { prepareCatalogDatabase } from "@teranga/catalog/database.ts";
import { prepareCityDatabase } from "@teranga/city/database.ts";
import { type Database, openDatabase } from "@teranga/kit/postgres/database.ts";
import { partitionsOf, type Topology } from "@teranga/kit/topology/topology.ts";
import { isCatalog, nodeOf } from "./members.ts";
import { loadSampleData } from "./sample-data.ts";

/** `urls`: by city id, `catalog` or `catalog-<node>`. */
export async function prepareDatabases(urls: ReadonlyMap<string, string>, topology: Topology): Promise<void> {
  const placement = partitionsOf(topology, "city");
  const open = (name: string): Database => {
    // Nobody is told of these commits, and no replica is there yet that they could wait for.
    const url = `${urls.get(name)!}?synchronous_commit=local`;
    return openDatabase({ url, applicationName: "cluster", connections: 2 });
  };
  const catalogs = new Map([...urls.keys()].filter(isCatalog).map((name) => [name, open(name)]));
  // A city that was added to the topology by hand has its database elsewhere, so it is left out.
  const own = placement.partitions.filter(({ id }) => urls.has(id));
  const cities = new Map(own.map(({ id }) => [id, open(id)]));
  try {
    await Promise.all([
      ...[...catalogs.values()].map(({ sql }) => prepareCatalogDatabase(sql)),
      ...[...cities].map(([id, { sql }]) => prepareCityDatabase(sql, id, placement)),
    ]);
    await loadSampleData({
      catalogs: new Map([...catalogs].map(([name, { sql }]) => [nodeOf(name) ?? null, sql])),
      cities: new Map([...cities].map(([id, { sql }]) => [id, sql])),
      partitionOf: placement.partitionOf,
    });
  } finally {
    await Promise.all([...catalogs.values(), ...cities.values()].map(({ close }) => close()));
  }
}
