import type { PartitionPlacement } from "@teranga/kit/topology/topology.ts";

/** The warehouse for a product that enters a city's stock for the first time. */
export function warehouseOf(cityId: string, { partitions }: Pick<PartitionPlacement, "partitions">): string {
  return partitions.find(({ id }) => id === cityId)!.name;
}
