/**
 * Which partition owns a value: the one rule behind every route.
 *
 * A global id carries its partition before a colon (`dakar:1`). Anything else is the name of a partition or
 * one of the values it claims (here: a town), compared after normalisation; a value that nobody claims goes
 * to the default partition, so the fragments are complete and disjoint whatever people type. The id of a
 * partition, as a key of an entity has it, is nothing that people type: it belongs to that partition or to
 * nobody, since a partition that has gone must never pass for another one.
 */
import { codedError, partitionCode } from "../graphql/errors.ts";

/** What routing needs to know of one partition. */
export interface PartitionRule {
  id: string;
  /** The values it owns beside its own id, as people write them. */
  claims: readonly string[];
  /** Whether it owns every value that nobody claims. Exactly one partition of a placement does. */
  isDefault: boolean;
}

/**
 * @param form what the value is: a `name` that people type, or an id by default; `id` if it must be a
 * partition's id or begin with one
 * @throws GraphQLError `UNKNOWN_CITY` (by the subgraph's name) for an id of a partition that does not exist.
 */
export type PartitionOf = (value: string, form?: "name" | "id") => string;

/** Longer values are nobody's name; refusing them keeps normalisation cheap. */
const VALUE_LENGTH_MAX = 200;

/**
 * Builds the routing function of a placement.
 * @param subgraph the partitioned subgraph's name; it gives errors their code
 */
export function createPartitionOf(subgraph: string, partitions: readonly PartitionRule[]): PartitionOf {
  const ids = new Set(partitions.map(({ id }) => id));
  const owners = new Map<string, string>();
  for (const { id, claims } of partitions)
    for (const name of [id, ...claims]) owners.set(normalise(name), id);
  const fallback = partitions.find(({ isDefault }) => isDefault)!.id;

  return (value, form = "name") => {
    // Keys of entities have the id itself, thousands of times in an answer; taking a name apart costs 2 µs.
    if (ids.has(value)) return value;
    const colon = value.indexOf(":");
    if (colon >= 0 || form === "id") {
      const id = colon >= 0 ? value.slice(0, colon) : value;
      if (ids.has(id)) return id;
      throw codedError(
        partitionCode("UNKNOWN", subgraph) as "UNKNOWN_CITY",
        `There is no ${subgraph} "${short(id)}".`,
        {
          [subgraph]: short(id),
        },
      );
    }
    if (value.length > VALUE_LENGTH_MAX) return fallback;
    return owners.get(normalise(value)) ?? fallback;
  };
}

/**
 * The form in which names are compared: without accents, lower case, each run of spaces, hyphens and
 * apostrophes one hyphen. `Thiès` and `THIES` become `thies`, `Saint Louis` becomes `saint-louis`. The city
 * database has the same function in SQL (`normalise`); a property test holds them equal.
 */
export function normalise(name: string): string {
  const plain = name.normalize("NFD").replace(/[\u0300-\u036f]/g, "");
  // Letter by letter, as PostgreSQL's C.UTF-8 does; a whole-string toLowerCase treats a final sigma apart.
  const lower = Array.from(plain, (letter) => letter.toLowerCase()).join("");
  return lower.replace(/[\s'’-]+/g, "-").replace(/^-|-$/g, "");
}

function short(value: string): string {
  return value.length > 40 ? `${value.slice(0, 40)}…` : value;
}
