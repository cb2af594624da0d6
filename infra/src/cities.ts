/**
 * The cities of the local cluster: names, towns and places. A city that is added here is started with the
 * rest.
 */
import { stringify } from "yaml";

/** A partition as the topology file has it, without its endpoints. */
export interface LocalCity {
  id: string;
  /** The name that people use. */
  name: string;
  /** The towns whose clients it serves. */
  towns: readonly string[];
  /** True for the city that serves the towns that no city claims. */
  default?: boolean;
  /** Where the warehouse is, in degrees (WGS 84). */
  location: { latitude: number; longitude: number };
}

export const CITIES: readonly LocalCity[] = [
  { id: "dakar", name: "Dakar", towns: ["Dakar"], location: { latitude: 14.6928, longitude: -17.4467 } },
  { id: "thies", name: "Thiès", towns: ["Thiès"], location: { latitude: 14.791, longitude: -16.9359 } },
  {
    id: "saint-louis",
    name: "Saint-Louis",
    towns: ["Saint-Louis"],
    location: { latitude: 16.0326, longitude: -16.4818 },
  },
  // Its warehouse is in Kaolack, in the middle of the towns without a city of their own.
  {
    id: "autres",
    name: "Autres",
    towns: [],
    default: true,
    location: { latitude: 14.1652, longitude: -16.0758 },
  },
];

/** The parts of a sound topology file that are needed here. */
export interface KeptTopology {
  subgraphs?: { [subgraph: string]: object } & {
    catalog?: KeptDatabase;
    city?: { partitions?: Record<string, KeptDatabase> };
  };
}

interface KeptDatabase {
  database?: { synchronous?: boolean };
}

export interface TopologyOptions {
  /** The names of the orchestrators, the one that is asked first in front. */
  orders?: readonly string[];
  /**
   * What the file said before: cities and subgraphs that were added by hand stay, and whether a database
   * waits for its replicas.
   */
  kept?: KeptTopology;
  /** The URLs of a database's replicas, by their names. */
  replicasOf?: (database: string) => Readonly<Record<string, string>>;
  /** The URLs of the catalog's databases, by its nodes, if it has any. */
  nodes?: Readonly<Record<string, string>>;
}

/**
 * The text of the topology file for services at these GraphQL endpoints; `city-<id>` is the name of a city's,
 * `catalog-<node>` that of a node of the catalog.
 */
export function topologyText(
  urlOf: (process: string) => string,
  { orders = ["orders"], kept = {}, replicasOf = () => ({}), nodes = {} }: TopologyOptions = {},
): string {
  const { city, ...others } = kept.subgraphs ?? {};
  const databaseOf = (name: string, before?: KeptDatabase) => {
    const replicas = replicasOf(name);
    if (Object.keys(replicas).length === 0) return {};
    return { database: { replicas, synchronous: before?.database?.synchronous ?? false } };
  };
  const partitions = Object.fromEntries(
    CITIES.map(({ id, ...own }) => [
      id,
      { ...own, urls: [urlOf(`city-${id}`)], ...databaseOf(id, city?.partitions?.[id]) },
    ]),
  );
  const nodeEntry = ([node, database]: [string, string]) => [
    node,
    { url: urlOf(`catalog-${node}`), database },
  ];
  return stringify({
    subgraphs: {
      ...others,
      catalog:
        Object.keys(nodes).length > 0
          ? { nodes: Object.fromEntries(Object.entries(nodes).map(nodeEntry)) }
          : { replicas: [urlOf("catalog")], ...databaseOf("catalog", others.catalog) },
      orders: { replicas: orders.map(urlOf) },
      city: { ...city, partitions: { ...city?.partitions, ...partitions } },
    },
  });
}
