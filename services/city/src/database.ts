/** The city's database: its SQL files, and the rule that makes it the fragment of one city. */

import type { Sql } from "@teranga/kit/postgres/database.ts";
import { migrate } from "@teranga/kit/postgres/migrate.ts";
import { StartupError } from "@teranga/kit/process/config.ts";
import type { PartitionPlacement } from "@teranga/kit/topology/topology.ts";
import type { PartitionClaims } from "@teranga/kit/topology/topology-agreement.ts";
import { CITY_FILES } from "@teranga/protocol/city/sql-files.ts";
import { fragmentRule } from "./fragment-rule.ts";
import { findStrangers } from "./sql/find-strangers.ts";
import { getFragment } from "./sql/get-fragment.ts";

/**
 * Migrates the database to the newest version and sets the city's rule. For a program that prepares all
 * databases of a cluster at once.
 * @throws StartupError if the database belongs to another city, or holds clients of towns that no longer
 * belong to the city
 */
export async function prepareCityDatabase(
  sql: Sql,
  cityId: string,
  placement: PartitionPlacement,
): Promise<void> {
  fragmentRule(cityId, placement);
  await migrate(sql, CITY_FILES);
  await setFragment(sql, cityId, placement);
}

/**
 * The same for one instance that starts. The instance's topology file may be older than what the cities have
 * agreed on since. So a rule that the database already has stays; it changes when the cities agree
 * (topology-following.ts).
 * @throws StartupError as above
 */
export async function openCityDatabase(
  sql: Sql,
  cityId: string,
  placement: PartitionPlacement,
): Promise<void> {
  const rule = fragmentRule(cityId, placement);
  await migrate(sql, CITY_FILES);
  const known = await getFragment(sql);
  if (known?.cityId !== cityId) return setFragment(sql, cityId, placement);
  const [stranger] = await findStrangers(sql, rule);
  if (stranger) throw doesNotClaim(cityId, `a client of ${stranger.town} is not of this city`);
}

/** Whether the database keeps the rule that a topology gives the city. */
export async function keepsRule(
  sql: Sql,
  cityId: string,
  placement: { partitions: readonly PartitionClaims[] },
): Promise<boolean> {
  const { isDefault, ownTowns, otherTowns } = fragmentRule(cityId, placement);
  const known = await getFragment(sql);
  const towns = isDefault ? otherTowns : ownTowns;
  return known?.isDefault === isDefault && known.towns.toSorted().join() === towns.toSorted().join();
}

/**
 * Sets the city's rule in the database, if it is not set already.
 * @throws StartupError as above
 */
export async function setFragment(sql: Sql, cityId: string, placement: PartitionPlacement): Promise<void> {
  const { isDefault, ownTowns, otherTowns } = fragmentRule(cityId, placement);
  try {
    await sql`select set_fragment(${cityId}, ${isDefault}, ${ownTowns}::text[], ${otherTowns}::text[])`;
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (code === "22023") throw new StartupError(`DATABASE_URL: ${message}`);
    if (code === "23514") throw doesNotClaim(cityId, message);
    throw error;
  }
}

function doesNotClaim(cityId: string, reason: string): StartupError {
  return new StartupError(`TOPOLOGY: ${cityId} has clients of towns that it does not claim (${reason})`);
}
