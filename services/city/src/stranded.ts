/**
 * Transactions that a city cannot finish because the topology no longer has the other city. They are reported
 * until a person brings the city back.
 */
import type { City } from "./context.ts";
import { findStranded } from "./sql/find-stranded.ts";

/** One line for each missing city. */
export async function strandedNotes({ sql, placement }: Pick<City, "sql" | "placement">): Promise<string[]> {
  const rows = await findStranded(sql, idsOf(placement));
  return rows.map(
    ({ cityId, count, since }) =>
      `${count} ${count === 1 ? "transaction waits" : "transactions wait"} for "${cityId}", which the topology does not have, since ${since.toISOString()}`,
  );
}

/** The number of stranded transactions. */
export async function countStranded({ sql, placement }: Pick<City, "sql" | "placement">): Promise<number> {
  const rows = await findStranded(sql, idsOf(placement));
  return rows.reduce((sum, { count }) => sum + count, 0);
}

function idsOf({ partitions }: City["placement"]): string[] {
  return partitions.map(({ id }) => id);
}
