/** The rule about a city's towns, from a topology, in the form in which the city's database keeps it. */
import { StartupError } from "@teranga/kit/process/config.ts";
import { normalise } from "@teranga/kit/topology/partition.ts";
import type { PartitionClaims } from "@teranga/kit/topology/topology-agreement.ts";

/** The arguments of the SQL function `set_fragment`: the city's towns and the other cities' towns. */
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
