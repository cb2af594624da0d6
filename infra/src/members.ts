/** Which servers each database of a local cluster has, and which is its primary. Kept in the home. */
import { readFileSync } from "node:fs";
import { StartupError } from "@teranga/kit/process/config.ts";
import { z } from "zod";
import { CITIES } from "./cities.ts";
import { pathsOf } from "./home.ts";
import { writeJson } from "./state.ts";

const members = z.strictObject({ primary: z.string(), replicas: z.array(z.string()) });

/** The servers of one database, by name. */
export type Members = Readonly<z.infer<typeof members>>;
export type DatabaseMembers = Readonly<Record<string, Members>>;

const CATALOG = "catalog";
const NODE = `${CATALOG}-`;

/** The databases of the catalog: one a node, or one. Their services have the same names. */
export function catalogNames(nodes: readonly string[]): string[] {
  return nodes.length === 0 ? [CATALOG] : nodes.map((node) => `${NODE}${node}`);
}

/** The node of the catalog that a database or service is; undefined if it is none. */
export function nodeOf(name: string): string | undefined {
  return name.startsWith(NODE) ? name.slice(NODE.length) : undefined;
}

export function isCatalog(name: string): boolean {
  return name === CATALOG || nodeOf(name) !== undefined;
}

/** What a database is called on its server. Those of all nodes have one name. */
export function nameOnServer(database: string): string {
  return isCatalog(database) ? CATALOG : database;
}

/** One city shows what a replica is for. */
export const FIRST_REPLICAS: Readonly<Record<string, readonly string[]>> = { dakar: ["dakar-2"] };

/**
 * The servers of a new home, in the order of a table for people.
 * @param nodes those of the catalog
 * @param replicas the names of the replicas, by database
 */
export function firstMembers(nodes: readonly string[], replicas = FIRST_REPLICAS): DatabaseMembers {
  const databases = [...catalogNames(nodes), ...CITIES.map(({ id }) => id)];
  return Object.fromEntries(
    databases.map((name) => [name, { primary: name, replicas: [...(replicas[name] ?? [])] }]),
  );
}

/** The names of all servers of a database, in an order that a promotion does not change. */
export function membersOf({ primary, replicas }: Members): string[] {
  return [primary, ...replicas].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
}

/**
 * Reads the members of the home; a database that it does not name has those of a new home.
 * @param say gets a line if the catalog had one database, and has nodes now
 * @throws StartupError if the file is damaged, or if the catalog's data would be left behind
 */
export function readMembers(
  home: string,
  first: DatabaseMembers,
  say: (line: string) => void = () => {},
): DatabaseMembers {
  const kept = keptMembers(home);
  const took = tookOver(kept, Object.keys(first).filter(isCatalog));
  for (const name of Object.keys(took))
    say(`The catalog of this home had one database: ${nodeOf(name)} goes on with it, other nodes copy it`);
  return Object.fromEntries(
    Object.entries(first).map(([name, its]) => [name, kept[name] ?? took[name] ?? its]),
  );
}

/**
 * To guess could make an old replica the primary, and the primary's data a replica's that is copied over.
 * @throws StartupError if the file is damaged
 */
function keptMembers(home: string): DatabaseMembers {
  const file = pathsOf(home).databases;
  try {
    return z.record(z.string(), members).parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
    throw new StartupError(`${file} cannot be read: write into it which servers the databases have`);
  }
}

/**
 * The first node goes on with the data of a catalog that had one database.
 * @throws StartupError if none of the databases has the data that the catalog has here
 */
function tookOver(kept: DatabaseMembers, databases: readonly string[]): DatabaseMembers {
  const single = kept[CATALOG];
  const nodes = Object.keys(kept).flatMap((name) => nodeOf(name) ?? []);
  if (databases.some((name) => kept[name])) return {};
  if (nodes.length > 0)
    throw new StartupError(
      `CATALOG_NODES: the catalog of this home is at ${nodes.join(", ")}: name one of them`,
    );
  if (!single) return {};
  if (single.replicas.length > 0)
    throw new StartupError(
      `CATALOG_NODES: the catalog of this home has replicas (${single.replicas.join(", ")}), and nodes have none: start it with CATALOG_NODES=none, and to have nodes run "npm run replica -- remove catalog" first`,
    );
  return { [databases[0]!]: single };
}

/** Databases of the catalog that are not used now are not forgotten: they have its data. */
export function writeMembers(home: string, databases: DatabaseMembers): void {
  const unused = Object.entries(keptMembers(home)).filter(([name]) => isCatalog(name) && !databases[name]);
  writeJson(pathsOf(home).databases, { ...Object.fromEntries(unused), ...databases });
}
