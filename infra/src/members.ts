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

/** The databases, in the order of a table for people. */
export const DATABASES: readonly string[] = ["catalog", ...CITIES.map(({ id }) => id)];

/** The servers of a new home: one city shows what a replica is for. */
export const FIRST_MEMBERS: DatabaseMembers = firstMembers({ dakar: ["dakar-2"] });

/** @param replicas the names of the replicas, by database */
export function firstMembers(replicas: Readonly<Record<string, readonly string[]>>): DatabaseMembers {
  return Object.fromEntries(
    DATABASES.map((name) => [name, { primary: name, replicas: [...(replicas[name] ?? [])] }]),
  );
}

/** The names of all servers of a database, in an order that a promotion does not change. */
export function membersOf({ primary, replicas }: Members): string[] {
  return [primary, ...replicas].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
}

/**
 * Reads the members of the home; a database that it does not name has those of a new home.
 * @throws StartupError if the file is damaged. To guess could make an old replica the primary, and the
 * primary's data a replica's that is copied over.
 */
export function readMembers(home: string, first: DatabaseMembers): DatabaseMembers {
  const file = pathsOf(home).databases;
  let kept: DatabaseMembers;
  try {
    kept = z.record(z.string(), members).parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT")
      throw new StartupError(`${file} cannot be read: write into it which servers the databases have`);
    kept = {};
  }
  return Object.fromEntries(DATABASES.map((name) => [name, kept[name] ?? first[name]!]));
}

export function writeMembers(home: string, databases: DatabaseMembers): void {
  writeJson(pathsOf(home).databases, databases);
}
