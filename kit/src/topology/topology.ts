/**
 * The topology: the subgraphs, their partitions, and where each can be reached.
 *
 * It is one YAML file in the shape of rover's supergraph configuration. Each entry of `subgraphs` also has a
 * placement: `replicas` (any instance can answer), `nodes` (the same, but each has a database of its own, and
 * the nodes replicate between them) or `partitions` (only the owner of a row can). docs/configuration.md
 * describes it.
 */
import { readFile } from "node:fs/promises";
import { StartupError } from "../process/config.ts";
import type { FileContent } from "../process/file-watch.ts";
import { parseYaml } from "../process/yaml-file.ts";
import { createPartitionOf, normalise, type PartitionOf } from "./partition.ts";
import { type PartitionEntry, type SubgraphEntry, topologyFile } from "./topology-file.ts";

/** One streaming replica of a database. The URL has neither user nor password. */
export interface DatabaseReplica {
  name: string;
  url: string;
}

/** A database that has replicas beside its primary. */
export interface ReplicatedDatabase {
  replicas: readonly DatabaseReplica[];
  /** Whether a commit waits until a replica has it, so that a promotion loses nothing. */
  synchronous: boolean;
}

/**
 * One of the places at which a subgraph's data is written: a service and its own database, of which the other
 * nodes' databases hear. The URL of the database has neither user nor password.
 */
export interface DatabaseNode {
  name: string;
  /** The GraphQL endpoint. */
  url: string;
  database: string;
}

/** One partition: an owner of rows. `urls` are its instances' GraphQL endpoints. */
export interface Partition {
  id: string;
  /** The name that people use. */
  name: string;
  /** The routing values that it claims beside its id, as people write them. */
  claims: readonly string[];
  isDefault: boolean;
  /** Degrees, WGS 84. */
  location: { latitude: number; longitude: number };
  urls: readonly string[];
  /** Undefined if its database has no replicas. */
  database?: ReplicatedDatabase;
}

/** Where the answers of a subgraph come from. */
export type Placement =
  | {
      kind: "replicas";
      subgraph: string;
      urls: readonly string[];
      database?: ReplicatedDatabase;
      /** Those behind `urls`, if each has a database of its own. */
      nodes?: readonly DatabaseNode[];
    }
  | { kind: "partitions"; subgraph: string; partitions: readonly Partition[]; partitionOf: PartitionOf };

export type PartitionPlacement = Extract<Placement, { kind: "partitions" }>;

/** The placements, in the file's order. */
export interface Topology {
  placements: ReadonlyMap<string, Placement>;
}

/**
 * Reads a topology file.
 * @throws StartupError with one line that names the file, the place and the fault
 */
export async function loadTopology(file: string): Promise<Topology> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    const code = String((error as NodeJS.ErrnoException).code);
    return parseTopologyFile(file, { kind: "unreadable", code });
  }
  return parseTopologyFile(file, { kind: "text", text });
}

/**
 * Parses the content of a topology file.
 * @throws StartupError with one line that names the file, the place and the fault
 */
export function parseTopologyFile(file: string, content: FileContent): Topology {
  if (content.kind === "unreadable")
    throw new StartupError(`Topology ${file}: cannot be read (${content.code})`);
  try {
    return parseTopology(content.text);
  } catch (error) {
    throw new StartupError(`Topology ${file}: ${(error as Error).message.split("\n")[0]}`);
  }
}

/**
 * Parses the text of a topology file.
 * @throws Error whose message names the place and the fault
 */
export function parseTopology(text: string): Topology {
  const { subgraphs } = parseYaml(topologyFile, text);
  const placements = new Map<string, Placement>();
  for (const [subgraph, entry] of Object.entries(subgraphs)) {
    placements.set(subgraph, placementOf(subgraph, entry));
  }
  checkUrls(placements);
  return { placements };
}

/** @throws Error if two instances have one endpoint, or two replicas of any databases one URL */
function checkUrls(placements: Topology["placements"]): void {
  const databases = new Map<string, string>();
  for (const [subgraph, placement] of placements) {
    const place = `subgraphs.${subgraph}`;
    if (placement.kind === "replicas") {
      // Nodes have been compared by their names.
      if (!placement.nodes) claimUrls(new Map(), `${place}.replicas`, placement.urls.entries());
      claimReplicas(databases, place, placement);
      continue;
    }
    for (const partition of placement.partitions) {
      claimUrls(new Map(), `${place}.partitions.${partition.id}.urls`, partition.urls.entries());
      claimReplicas(databases, `${place}.partitions.${partition.id}`, partition);
    }
  }
}

function claimReplicas(
  databases: Map<string, string>,
  place: string,
  { database }: { database?: ReplicatedDatabase },
): void {
  const urls = (database?.replicas ?? []).map(({ name, url }) => [name, url] as const);
  claimUrls(databases, `${place}.database.replicas`, urls);
}

function claimUrls(
  claimed: Map<string, string>,
  place: string,
  urls: Iterable<readonly [string | number, string]>,
): void {
  for (const [name, url] of urls) {
    const field = `${place}.${name}`;
    const other = claimed.get(url);
    if (other !== undefined) throw new Error(`${field}: ${other} has this URL too`);
    claimed.set(url, field);
  }
}

function placementOf(subgraph: string, entry: SubgraphEntry): Placement {
  const place = `subgraphs.${subgraph}`;
  const placed = [entry.replicas, entry.nodes, entry.partitions].filter((each) => each !== undefined);
  if (placed.length !== 1) throw new Error(`${place}: needs either replicas, nodes or partitions`);
  if (entry.nodes) {
    if (entry.database) throw new Error(`${place}.database: each of its nodes has a database of its own`);
    const nodes = Object.entries(entry.nodes).map(([name, node]) => ({ name, ...node }));
    checkNodes(place, nodes);
    return { kind: "replicas", subgraph, urls: nodes.map(({ url }) => url), nodes };
  }
  if (entry.replicas) return { kind: "replicas", subgraph, urls: entry.replicas, ...readDatabase(entry) };
  if (entry.database) throw new Error(`${place}.database: each of its partitions has a database of its own`);
  const partitions = Object.entries(entry.partitions!).map(
    ([id, entry]): Partition => ({
      id,
      name: entry.name,
      claims: entry.towns,
      isDefault: entry.default,
      location: entry.location,
      urls: entry.urls,
      ...readDatabase(entry),
    }),
  );
  checkPartitions(subgraph, partitions);
  return { kind: "partitions", subgraph, partitions, partitionOf: createPartitionOf(subgraph, partitions) };
}

function readDatabase({ database }: Pick<PartitionEntry, "database">): {
  database?: ReplicatedDatabase;
} {
  if (!database) return {};
  const replicas = Object.entries(database.replicas).map(([name, url]) => ({ name, url }));
  return { database: { replicas, synchronous: database.synchronous } };
}

/** The name is part of the names of slots in PostgreSQL, which have 63 characters at most. */
const NODE_NAME_LENGTH_MAX = 30;

/** @throws Error if two nodes have one endpoint or one database */
function checkNodes(place: string, nodes: readonly DatabaseNode[]): void {
  for (const [index, { name, url, database }] of nodes.entries()) {
    if (name.length > NODE_NAME_LENGTH_MAX)
      throw new Error(`${place}.nodes.${name}: has more than ${NODE_NAME_LENGTH_MAX} characters`);
    const other = nodes.slice(0, index).find((each) => each.url === url || each.database === database);
    if (!other) continue;
    const field = other.url === url ? "url" : "database";
    throw new Error(`${place}.nodes.${name}.${field}: ${other.name} has it too`);
  }
}

/** Checks that the claims are complete (one default) and disjoint (no value with two owners). */
function checkPartitions(subgraph: string, partitions: readonly Partition[]): void {
  const defaults = partitions.filter(({ isDefault }) => isDefault).map(({ id }) => id);
  if (defaults.length !== 1) {
    const found = defaults.length === 0 ? "none has it" : `${defaults.join(" and ")} have it`;
    throw new Error(`subgraphs.${subgraph}.partitions: exactly one must have "default: true", ${found}`);
  }
  const owners = new Map<string, string>();
  for (const { id, claims } of partitions) {
    for (const value of new Set([id, ...claims].map(normalise))) {
      const other = owners.get(value);
      if (other)
        throw new Error(`subgraphs.${subgraph}.partitions: "${value}" is claimed by ${other} and by ${id}`);
      owners.set(value, id);
    }
  }
}

/**
 * The placement of a partitioned subgraph.
 * @throws StartupError if the topology has no such subgraph
 */
export function partitionsOf(topology: Topology, subgraph: string): PartitionPlacement {
  const placement = topology.placements.get(subgraph);
  if (placement?.kind !== "partitions")
    throw new StartupError(`Topology: no partitioned subgraph "${subgraph}"`);
  return placement;
}

/**
 * The endpoints of a subgraph placed as replicas.
 * @throws StartupError if the topology has no such subgraph
 */
export function replicasOf(topology: Topology, subgraph: string): readonly string[] {
  const placement = topology.placements.get(subgraph);
  if (placement?.kind !== "replicas")
    throw new StartupError(`Topology: no replicated subgraph "${subgraph}"`);
  return placement.urls;
}

/** The replicas of a subgraph's database, or of a partition's. */
export function databaseOf(
  topology: Topology,
  subgraph: string,
  partition?: string,
): ReplicatedDatabase | undefined {
  const placement = topology.placements.get(subgraph);
  return placement?.kind === "partitions"
    ? placement.partitions.find(({ id }) => id === partition)?.database
    : placement?.database;
}

/** The nodes of a subgraph; none if it has one database. */
export function nodesOf(topology: Topology, subgraph: string): readonly DatabaseNode[] {
  const placement = topology.placements.get(subgraph);
  return placement?.kind === "replicas" ? (placement.nodes ?? []) : [];
}

/** The endpoints of a partition; undefined if there is no such partition now. */
export function urlsOf({ partitions }: PartitionPlacement, id: string): readonly string[] | undefined {
  return partitions.find((partition) => partition.id === id)?.urls;
}

/** The endpoints of all subgraphs. */
export function allUrls({ placements }: Topology): string[] {
  return [...placements.values()].flatMap((placement) =>
    placement.kind === "replicas" ? placement.urls : placement.partitions.flatMap(({ urls }) => urls),
  );
}
