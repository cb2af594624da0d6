/** The city's database: its migrations and the rules that make it the fragment of one city. */
import { fileURLToPath } from "node:url";
import { StartupError } from "@teranga/kit/config.ts";
import type { Sql } from "@teranga/kit/database.ts";
import { migrate } from "@teranga/kit/migrate.ts";
import { normalise } from "@teranga/kit/partition.ts";
import type { PartitionPlacement } from "@teranga/kit/topology.ts";
import type { PartitionClaims } from "@teranga/kit/topology-agreement.ts";

export const MIGRATIONS = fileURLToPath(new URL("../migrations", import.meta.url));

/**
 * Commits read the fragment, then lock clients and stock; prepares and decisions lock participations, then stock; all of them, and
 * restocks, write movements and decisions after. Who holds none of these waits for no other table that a migration has.
 */
const LOCK_ORDER = ["fragment", "client", "participation", "stock", "stock_movement", "transaction_decision"];

/** The arguments of the SQL function `set_fragment`: which towns are the city's, and which are others'. */
export interface FragmentRule {
  isDefault: boolean;
  ownTowns: string[];
  otherTowns: string[];
}

/** The fragment's predicate, from the topology. */
export function fragmentRule(
  cityId: string,
  { partitions }: { partitions: readonly PartitionClaims[] },
): FragmentRule {
  const own = partitions.find(({ id }) => id === cityId);
  if (!own) throw new StartupError(`CITY: the topology has no city "${cityId}"`);
  const towns = (list: readonly PartitionClaims[]) =>
    list
      .flatMap(({ id, claims }) => [id, ...claims])
      .map(normalise)
      .sort();
  return {
    isDefault: own.isDefault,
    ownTowns: [...new Set(towns([own]))],
    otherTowns: [...new Set(towns(partitions.filter((other) => other !== own)))],
  };
}

/**
 * Migrates the database to the newest version and makes the city's predicate its constraint.
 * @throws StartupError if the database is another city's, or holds clients of towns that are not the city's any more
 */
export async function prepareCityDatabase(
  sql: Sql,
  cityId: string,
  placement: PartitionPlacement,
): Promise<void> {
  fragmentRule(cityId, placement);
  await migrate(sql, MIGRATIONS, LOCK_ORDER);
  await setFragment(sql, cityId, placement);
}

/** Makes the city's predicate the database's constraint, if it is not already. @throws StartupError as above */
export async function setFragment(sql: Sql, cityId: string, placement: PartitionPlacement): Promise<void> {
  const { isDefault, ownTowns, otherTowns } = fragmentRule(cityId, placement);
  try {
    await sql`select set_fragment(${cityId}, ${isDefault}, ${ownTowns}::text[], ${otherTowns}::text[])`;
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (code === "22023") throw new StartupError(`DATABASE_URL: ${message}`);
    if (code === "23514")
      throw new StartupError(`TOPOLOGY: ${cityId} has clients of towns that it does not claim (${message})`);
    throw error;
  }
}
