/** Transactions that a city cannot finish because the other city has gone from the topology: told, until a person brings it back. */
import type { City } from "./context.ts";
import { findStranded } from "./sql/find-stranded.ts";

/** One line for each city that is missed. */
export async function strandedNotes({ sql, placement }: Pick<City, "sql" | "placement">): Promise<string[]> {
  const rows = await findStranded(sql, idsOf(placement));
  return rows.map(
    ({ cityId, count, since }) =>
      `${count} ${count === 1 ? "transaction waits" : "transactions wait"} for "${cityId}", which the topology does not have, since ${since.toISOString()}`,
  );
}

/** How many transactions there are. */
export async function countStranded({ sql, placement }: Pick<City, "sql" | "placement">): Promise<number> {
  const rows = await findStranded(sql, idsOf(placement));
  return rows.reduce((sum, { count }) => sum + count, 0);
}

function idsOf({ partitions }: City["placement"]): string[] {
  return partitions.map(({ id }) => id);
}
