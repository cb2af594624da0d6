/**
 * Decides which partition owns a value. Every route uses this rule.
 *
 * A global id names its partition before a colon (`dakar:1`). Any other value is the name of a partition or a
 * value that one claims (here: a town), compared after normalisation. A value that no partition claims goes
 * to the default partition, so the fragments are complete and disjoint whatever people type. People do not
 * type a partition's own id, which is the key of its entity. It belongs to that partition or to none, since
 * another partition must never stand in for one that has gone.
 */
import { codedError, partitionCode } from "../graphql/errors.ts";

/** The part of a partition that routing uses. */
export interface PartitionRule {
  id: string;
  /** The values that it owns beside its own id, as people write them. */
  claims: readonly string[];
  /** Whether it owns every unclaimed value. Exactly one partition of a placement does. */
  isDefault: boolean;
}

/**
 * @param form `name` (the default): an id, or a name that people type. `id`: must be a
 * partition's id, or begin with one
 * @throws GraphQLError `UNKNOWN_` and the subgraph's name, for an id of a partition that does not exist
 */
export type PartitionOf = (value: string, form?: "name" | "id") => string;

/** No name is longer. The limit keeps normalisation cheap. */
const VALUE_LENGTH_MAX = 200;

/**
 * Makes the routing function of a placement.
 * @param subgraph the partitioned subgraph's name, which is part of the error codes
 */
export function createPartitionOf(subgraph: string, partitions: readonly PartitionRule[]): PartitionOf {
  const ids = new Set(partitions.map(({ id }) => id));
  const owners = new Map<string, string>();
  for (const { id, claims } of partitions)
    for (const name of [id, ...claims]) owners.set(normalise(name), id);
  const fallback = partitions.find(({ isDefault }) => isDefault)!.id;

  return (value, form = "name") => {
    // The key of an entity is the id itself, thousands of times in one answer.
    // Normalising a name costs 2 µs.
    if (ids.has(value)) return value;
    const colon = value.indexOf(":");
    if (colon >= 0 || form === "id") {
      const id = colon >= 0 ? value.slice(0, colon) : value;
      if (ids.has(id)) return id;
      throw codedError(partitionCode("UNKNOWN", subgraph), `There is no ${subgraph} "${short(id)}".`, {
        [subgraph]: short(id),
      });
    }
    if (value.length > VALUE_LENGTH_MAX) return fallback;
    return owners.get(normalise(value)) ?? fallback;
  };
}

/**
 * The form in which names are compared: without accents, in lower case, each run of spaces, hyphens and
 * apostrophes as one hyphen. `Thiès` and `THIES` become `thies`, `Saint Louis` becomes `saint-louis`. The
 * service's database has the same function in SQL (`normalise`), and a property test holds them equal.
 */
export function normalise(name: string): string {
  const plain = name.normalize("NFD").replace(/[\u0300-\u036f]/g, "");
  // Letter by letter, as PostgreSQL's C.UTF-8 does. toLowerCase of a whole string
  // treats a final sigma specially.
  const lower = Array.from(plain, (letter) => letter.toLowerCase()).join("");
  return lower.replace(/[\s'’-]+/g, "-").replace(/^-|-$/g, "");
}

function short(value: string): string {
  return value.length > 40 ? `${value.slice(0, 40)}…` : value;
}
